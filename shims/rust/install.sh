#!/bin/sh
# Builds one Rust shim into $DEST/bin: from its lock file when PINNED, else with the crate $1 at $VERSION, and each of
# CRATES at its own. What comes behind goes to cargo.
set -eu
driver=$1
shift
# One folder for all of them, so that what they share is built once.
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$(cd .. && pwd)/.installed/rust-target}"
if [ "${PINNED:-}" != 1 ]; then
	# A copy to change: the folder's own manifest and lock file stay as they are.
	crates=$PWD/../rust/crates.sh
	rm -rf "$DEST/src"
	mkdir -p "$DEST/src/shim" "$DEST/src/rust"
	cp -R Cargo.toml Cargo.lock src "$DEST/src/shim"
	(cd ../rust && cp -R Cargo.toml ./*.rs src "$DEST/src/rust")
	cd "$DEST/src/shim"
	cargo add --quiet "$driver@=$VERSION"
	cargo update --quiet --workspace
	# Not quoted: NAME@VERSION each.
	sh "$crates" ${CRATES:-}
fi
cargo install --locked --force --path . --root "$DEST" "$@"
