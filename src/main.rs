//! The program `pgtls`.

fn main() {}
