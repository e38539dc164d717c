#!/bin/sh
# Gives the package of the current folder the crates that it is told, NAME@VERSION each, in place of those of its lock
# file, for install.sh.
set -eu
fail() {
	echo "error: $1" >&2
	exit 1
}
for crate in "$@"; do
	name=${crate%@*} version=${crate#*@}
	grep -q "^name = \"$name\"\$" Cargo.lock || fail "no crate $name is built into this stack"
	locked=$(sed -n "/^name = \"$name\"\$/{n;s/^version = \"\(.*\)\"/\1/p;}" Cargo.lock)
	# Two releases side by side: which one is meant nobody can say.
	[ "$(echo "$locked" | wc -l)" = 1 ] || fail "$name is built into this stack in several releases: $(echo "$locked" | paste -sd ' ')"
	[ "$locked" != "$version" ] || continue
	# The release itself, by cargo, which says what is wrong with one that is unknown or yanked.
	alone=../$name
	mkdir -p "$alone/src"
	: >"$alone/src/lib.rs"
	printf '[package]\nname = "alone"\nversion = "0.0.0"\nedition = "2021"\n[workspace]\n[dependencies]\n"%s" = "=%s"\n' \
		"$name" "$version" >"$alone/Cargo.toml"
	if ! said=$(cargo fetch --quiet --manifest-path "$alone/Cargo.toml" 2>&1); then
		echo "$said" >&2
		case $said in
		*"is yanked"*) fail "$name $version is yanked" ;;
		*"failed to select a version"* | *"unexpected "*"version"*) fail "there is no $name $version" ;;
		*) fail "$name $version cannot be fetched" ;;
		esac
	fi
	cargo update --quiet --package "$name" --precise "$version" 2>/dev/null && continue
	# What it is built into demands a later release: so the older one's code takes the later one's name.
	cargo vendor --quiet --versioned-dirs --manifest-path "$alone/Cargo.toml" "$alone/vendor" >/dev/null
	mv "$alone/vendor/$name-$version" "$alone/patched"
	rm -r "$alone/vendor"
	sed -i "0,/^version = \"$version\"\$/s//version = \"$locked\"/" "$alone/patched/Cargo.toml"
	printf '\n[patch.crates-io.%s]\npath = "%s"\n' "$name" "$alone/patched" >>Cargo.toml
	cargo update --quiet --workspace
	grep -A2 "^name = \"$name\"\$" Cargo.lock | grep -q '^source' && fail "$name $version cannot take the place of $locked"
done
exit 0
