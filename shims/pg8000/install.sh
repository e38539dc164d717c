#!/bin/sh
# Installs pg8000 like any other driver, with the scramp of its time: up to 1.31.5 it calls, and asks for no upper
# version of, what scramp 1.5 has no more.
set -eu
case $VERSION in
1.31.[0-5] | 1.[0-9].* | 1.[12][0-9].* | 1.30.*) exec sh ../python/install.sh pg8000 'scramp<1.5' ;;
esac
exec sh ../python/install.sh pg8000
