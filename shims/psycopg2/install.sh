#!/bin/sh
# Installs psycopg2-binary like any other driver; a release without a wheel for this Python (2.9.1 on 3.11, say)
# is unpacked from another Python's wheel into $DEST/wheel, for its libpq's sake. Building from source would
# link the machine's libpq instead of the release's, and so answer another question.
set -eu
if [ "${PINNED:-}" = 1 ]; then
    exec sh ../python/install.sh psycopg2-binary
fi
if sh ../python/install.sh psycopg2-binary --only-binary=:all:; then
    exit 0
fi
mkdir "$DEST/wheel"
for python in 3.9 3.8 3.7 3.6; do
    "$DEST/bin/python" -m pip download --quiet --only-binary=:all: --no-deps --dest "$DEST/wheel" \
        --python-version "$python" "psycopg2-binary==$VERSION" || continue
    echo "psycopg2 $VERSION has no wheel for this Python: taking its libpq from the one for $python" >&2
    exec "$DEST/bin/python" -m zipfile -e "$DEST"/wheel/*.whl "$DEST/wheel"
done
echo "no wheel of psycopg2-binary $VERSION for this machine" >&2
exit 1
