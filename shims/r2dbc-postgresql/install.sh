#!/bin/sh
# Releases are called 1.1.3.RELEASE; people often leave the second half out.
set -eu
case $VERSION in
*.*.*.*) ;;
*) VERSION=$VERSION.RELEASE ;;
esac
export VERSION
exec sh ../java/install.sh
