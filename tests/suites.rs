//! The suites are as large as the contract states.

use std::{fs, path::Path};

use pgtls_conformance::Suite;

#[test]
fn suites_are_as_large_as_the_contract_states() {
    let contract = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/contract.md");
    let contract = fs::read_to_string(contract).expect("the contract");
    let (_, table) = contract.split_once("\n## Suites\n").expect("the suites' section");
    let (table, _) = table.split_once("\n## ").expect("its end");
    for suite in Suite::ALL {
        let name = format!("| `{suite}` | ");
        let rows = table.lines().filter_map(|line| line.strip_prefix(&name));
        let stated: Vec<&str> = rows.filter_map(|row| Some(row.split_once(" |")?.0)).collect();
        assert_eq!(stated, [suite.cells().len().to_string()], "the contract's rows of {suite}");
    }
}
