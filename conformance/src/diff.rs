//! What changed between two results.

use std::collections::{HashMap, HashSet};

use indexmap::IndexSet;

use crate::results::{CellResult, Results};

/// One cell in which two results differ.
#[derive(Debug, Clone, PartialEq)]
pub enum Change<'a> {
    /// The second alone has it.
    Appeared(&'a CellResult),
    /// The first alone has it.
    Vanished(&'a CellResult),
    /// Both have it, and not the same but for its time.
    Changed(&'a CellResult, &'a CellResult),
}

/// What changed, in the order of the first results, new cells last. Stacks are compared as
/// [`namesakes`] pairs them, so that two releases of one driver can be.
#[must_use]
pub fn diff<'a>(before: &'a Results, after: &'a Results) -> Vec<Change<'a>> {
    let later_name: HashMap<&str, &str> = namesakes(before, after).into_iter().collect();
    let later: HashMap<(&str, &str), &CellResult> =
        after.cells.iter().map(|cell| ((cell.stack.as_str(), terms(cell)), cell)).collect();
    let mut found = HashSet::new();
    let mut changes = Vec::new();
    for cell in &before.cells {
        let key = later_name.get(cell.stack.as_str()).map(|stack| (*stack, terms(cell)));
        match key.and_then(|key| Some((key, *later.get(&key)?))) {
            None => changes.push(Change::Vanished(cell)),
            Some((key, now)) => {
                found.insert(key);
                if differs(cell, now) {
                    changes.push(Change::Changed(cell, now));
                }
            }
        }
    }
    let is_new = |cell: &&CellResult| !found.contains(&(cell.stack.as_str(), terms(cell)));
    changes.extend(after.cells.iter().filter(is_new).map(Change::Appeared));
    changes
}

/// Which stack of the first results is which of the second: the one of the same name; else, among
/// those left over, the next that differs in its `@version` alone.
#[must_use]
pub fn namesakes<'a>(before: &'a Results, after: &'a Results) -> Vec<(&'a str, &'a str)> {
    let (old, new) = (names(before), names(after));
    let mut left: Vec<&str> = new.difference(&old).copied().collect();
    old.iter()
        .filter_map(|name| {
            if new.contains(name) {
                return Some((*name, *name));
            }
            let next = left.iter().position(|other| base(other) == base(name))?;
            Some((*name, left.remove(next)))
        })
        .collect()
}

/// A stack's name without its version.
#[must_use]
pub fn base(stack: &str) -> &str {
    stack.split_once('@').map_or(stack, |(name, _)| name)
}

fn names(results: &Results) -> IndexSet<&str> {
    let told = results.stacks.iter().map(|stack| stack.name.as_str());
    told.chain(results.cells.iter().map(|cell| cell.stack.as_str())).collect()
}

/// A cell's id without its stack.
fn terms(cell: &CellResult) -> &str {
    cell.id.strip_prefix(&cell.stack).unwrap_or(&cell.id)
}

/// Whether they are not the same but for the time they took, and the stack's version.
fn differs(one: &CellResult, other: &CellResult) -> bool {
    let timeless = |cell: &CellResult| {
        let mut cell = CellResult { id: String::new(), stack: String::new(), ..cell.clone() };
        if let Some(observed) = &mut cell.observed {
            observed.elapsed_us = 0;
        }
        cell
    };
    timeless(one) != timeless(other)
}

#[cfg(test)]
mod tests {
    use pgtls_mock_server::trace::Trace;

    use super::*;
    use crate::{judge::Conformance, results::Observed};

    fn cell(stack: &str, round_trips: u32, elapsed_us: u64) -> CellResult {
        let trace: Trace = "connect, sslaccept, authok -> ssl".parse().expect("a trace");
        let cell = format!("{stack}:sslmode=require").parse().expect("a cell");
        let mut observed = Observed::of(trace.clone());
        (observed.round_trips, observed.elapsed_us) = (round_trips, elapsed_us);
        CellResult {
            observed: Some(observed),
            conformance: Conformance::Agrees,
            ..CellResult::unasked(&cell, trace)
        }
    }

    fn results(cells: Vec<CellResult>) -> Results {
        Results::of(cells)
    }

    #[test]
    fn two_releases_in_one_file_are_two_stacks() {
        let both = results(vec![cell("asyncpg", 4, 1), cell("asyncpg@0.31.0", 5, 2)]);
        assert_eq!(diff(&both, &both), []);
        let other = results(vec![cell("asyncpg@0.31.0", 5, 2), cell("asyncpg@0.30.0", 4, 3)]);
        assert_eq!(
            namesakes(&both, &other),
            [("asyncpg", "asyncpg@0.30.0"), ("asyncpg@0.31.0", "asyncpg@0.31.0")]
        );
        assert_eq!(diff(&both, &other), []);
    }

    #[test]
    fn all_but_the_time_counts() {
        let before = results(vec![cell("a@1", 4, 1), cell("b", 4, 1)]);
        let after = results(vec![cell("a@2", 5, 9), cell("c", 4, 1)]);
        assert_eq!(
            diff(&before, &after),
            [
                Change::Changed(&before.cells[0], &after.cells[0]),
                Change::Vanished(&before.cells[1]),
                Change::Appeared(&after.cells[1]),
            ]
        );
        assert_eq!(diff(&before, &results(vec![cell("b", 4, 7), cell("a@1", 4, 8)])), []);
    }

    #[test]
    fn an_id_that_is_none_is_compared_as_it_is() {
        let odd = CellResult { id: "é".to_owned(), ..cell("longer than that", 1, 1) };
        let odd = results(vec![odd]);
        assert_eq!(diff(&odd, &odd), []);
    }
}
