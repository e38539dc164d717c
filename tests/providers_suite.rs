//! What the providers' pages say is what clients do: libpq itself, as far as it is installed, and
//! our own. Apart from the pages' own test, whose many processes would eat the cells' deadlines.

#[path = "support/installed.rs"]
mod installed;
mod support;

use pgtls::stacks::BuiltIn;
use pgtls_conformance::{Suite, judge::Conformance};

#[tokio::test]
async fn libpq_and_its_likes_do_what_the_pages_say() {
    let stacks = [BuiltIn::PgtlsRustls, BuiltIn::PgtlsNativeTls, BuiltIn::LibpqPsql];
    let results =
        support::run(stacks.map(support::spec).to_vec(), Suite::Providers, Vec::new()).await;
    assert_eq!(results.stacks.len(), 3);
    for stack in &results.stacks {
        let observed: Vec<_> = results
            .cells
            .iter()
            .filter(|cell| cell.stack == stack.name && cell.observed.is_some())
            .collect();
        if observed.is_empty() {
            let is_ours = stack.name.starts_with("pgtls/");
            assert!(!is_ours, "{} could not run: {:?}", stack.name, stack.could_not_run);
            installed::skip(&format!("{} could not run", stack.name));
        }
        for cell in observed {
            assert_eq!(cell.conformance, Conformance::Agrees, "{}: {:?}", cell.id, cell.observed);
            assert_eq!(cell.safety, [], "{}", cell.id);
        }
    }
}
