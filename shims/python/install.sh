#!/bin/sh
# Makes a virtual environment at $DEST and installs a driver into it:
#   install.sh PACKAGE [REQUIREMENT...]
# With PINNED=1 exactly what requirements.lock of the current folder says, hashes and all;
# otherwise PACKAGE at $VERSION, beside the further requirements, the rest as pip resolves it.
set -eu
package=$1
shift
python3 -m venv "$DEST"
if [ "${PINNED:-}" = 1 ]; then
    exec "$DEST/bin/python" -m pip install --quiet --require-hashes --requirement requirements.lock
fi
exec "$DEST/bin/python" -m pip install --quiet "$package==$VERSION" "$@"
