//! The safety invariants: each is a [`Definition`](definition::Definition) in a file here, and a line in
//! the table.
//!
//! To add one, write a definition in a file of its own or beside its kin, add a line for it at the end
//! of [`table`], a row to `docs/contract.md`, and a client that breaks it to `tests/clients`.

mod binding_dropped;
mod certificate;
mod consumption;
mod definition;
mod dishonest;
mod injected_plaintext;
mod liveness;
mod plaintext;
mod server_unproven;
mod spoofed_error;
mod storm;
mod table;

pub use table::Invariant;
