#!/bin/sh
# Builds one Go shim into $DEST/shim: from go.sum when PINNED, else with the driver's module, $1, at $VERSION.
set -eu
if [ "${PINNED:-}" = 1 ]; then
	CGO_ENABLED=0 go build -mod=readonly -buildvcs=false -trimpath -o "$DEST/shim" .
else
	# Another go.mod and go.sum, beside the binary: the folder's own stay as they are.
	cp go.mod go.sum "$DEST"
	# Go's versions begin with a v; people often leave it out.
	go get -modfile="$DEST/go.mod" "$1@v${VERSION#v}"
	CGO_ENABLED=0 go build -modfile="$DEST/go.mod" -mod=mod -buildvcs=false -trimpath -o "$DEST/shim" .
fi
