#!/bin/sh
# Makes a virtual environment at $DEST and installs a driver into it:
#   install.sh PACKAGE [REQUIREMENT...]
# With PINNED=1 exactly what requirements.lock of the current folder says, hashes and all;
# otherwise PACKAGE at $VERSION, beside the further requirements, the rest as pip resolves it.
# An old release may have no wheel for this Python and not build on it: then the newest other one that it has
# wheels for takes its place, of those on PATH and pyenv's (the shims need 3.7).
set -eu
package=$1
shift
environment() {
    rm -rf "$DEST"
    "$1" -m venv "$DEST"
}
take() {
    "$DEST/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
}
environment python3
if [ "${PINNED:-}" = 1 ]; then
    take --require-hashes --requirement requirements.lock
    exit
fi
if take --only-binary=:all: "$package==$VERSION" "$@"; then
    exit
fi
for minor in 14 13 12 11 10 9 8 7; do
    for python in "python3.$minor" "${PYENV_ROOT:-$HOME/.pyenv}/versions/3.$minor".*/bin/python; do
        "$python" -c '' 2>/dev/null || continue
        # Whether it has wheels is asked before an environment is made.
        take --dry-run --target "$DEST/none" --only-binary=:all: --python-version "3.$minor" "$package==$VERSION" "$@" 2>/dev/null || continue
        echo "$package $VERSION has no wheels for this Python: taking $("$python" -V)" >&2
        environment "$python"
        if take --only-binary=:all: "$package==$VERSION" "$@"; then
            exit
        fi
        environment python3
    done
done
take "$package==$VERSION" "$@"
