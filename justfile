# Recipes of pgtls; `just` lists them.

_default:
    @just --list

# Formatting, lints and docs, all without a warning
check:
    bash .ci/run check

# Every test of every crate
test:
    cargo test --locked

# The main job: the built-in stacks through every sslmode
matrix *ARGS:
    cargo run --release --locked -- matrix {{ARGS}}

# Installs the shims of drivers in other languages, as far as the machine's toolchains allow
shims *ARGS:
    cargo run --release --locked -- install {{ARGS}}

# Everything that is installed through every sslmode
matrix-all *ARGS:
    cargo run --release --locked -- matrix --stack all {{ARGS}}

# The mock server, to point a client at by hand
serve *ARGS:
    cargo run --release --locked -- serve {{ARGS}}

# What handshakes and fallbacks cost, and the ratios; anew, for criterion keeps what it once measured
bench *ARGS:
    rm -rf "${CARGO_TARGET_DIR:-target}/criterion"
    cargo bench -p pgtls --locked {{ARGS}}
    cargo run --release --locked --example bench-summary

# The JSON Schemas in docs/schemas, from the types
schemas:
    cargo run --locked -- schema --out docs/schemas

# Licences, sources and advisories of all dependencies
deny:
    cargo deny --locked check

# docs/api: what the libraries promise, from rustdoc
api:
    PGTLS_WRITE_API=1 cargo test --locked --test public_api

# Whether the libraries keep what they promised at docs/api/baseline
semver:
    bash .ci/semver

# The packages as they would be published
package:
    cargo package --workspace --locked --allow-dirty
    bash .ci/packages

# The API documentation, in a browser
docs:
    cargo doc --workspace --no-deps --locked --open

# What CI does
ci:
    bash .ci/run
