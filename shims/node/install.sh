#!/bin/sh
# Installs one npm driver and its shim into $DEST: from the lock file when PINNED, else the package named by $1 at $VERSION.
set -eu
cp shim.mjs package.json package-lock.json ../node/contract.mjs "$DEST"
cd "$DEST"
if [ "${PINNED:-}" = 1 ]; then
	npm ci --omit=dev --ignore-scripts --no-audit --no-fund
else
	npm install --save-exact --omit=dev --ignore-scripts --no-audit --no-fund "$1@$VERSION"
fi
