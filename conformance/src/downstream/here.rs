//! What a test's surroundings say: its seed, its filters, its name; and a thread to run on.

use std::{env, io, thread};

use pgtls_mock_server::Seed;

use super::failure::Failure;
use crate::Filter;

/// The variable that says where all chance comes from.
const SEED: &str = "PGTLS_SEED";
/// The variable that says which cells are run; several filters stand between semicolons.
const FILTER: &str = "PGTLS_FILTER";

/// The seed that the environment says, or one that is drawn.
pub(super) fn seed() -> Result<Seed, Failure> {
    match env::var(SEED) {
        Err(_) => Ok(Seed::random()),
        Ok(text) => text
            .parse::<Seed>()
            .map_err(|error| Failure::Setting { variable: SEED, reason: error.to_string() }),
    }
}

/// The cells that the environment says.
pub(super) fn filters() -> Result<Vec<Filter>, Failure> {
    let text = env::var(FILTER).unwrap_or_default();
    let terms = text.split(';').filter(|filter| !filter.trim().is_empty());
    let filters = terms.map(|filter| {
        filter.trim().parse().map_err(|error: crate::Error| {
            let reason = error.to_string();
            Failure::Setting { variable: FILTER, reason }
        })
    });
    filters.collect()
}

/// How this test is run again with that seed, and only those cells.
pub(super) fn again(seed: Seed, filter: Option<&str>) -> String {
    let filter = filter.map(|filter| format!(" {FILTER}='{filter}'")).unwrap_or_default();
    // The test harness names the thread after the test.
    let current = thread::current();
    let test = current.name().filter(|name| *name != "main").unwrap_or_default();
    format!("{SEED}={seed}{filter} cargo test {test}").trim_end().to_owned()
}

/// Does work to its end on a thread with a runtime of its own: the caller may be a test with a runtime
/// or one without.
pub(super) fn to_its_end<T, F>(work: impl FnOnce() -> F + Send) -> io::Result<T>
where
    T: Send,
    F: Future<Output = T>,
{
    thread::scope(|scope| {
        let worker = thread::Builder::new().name("pgtls".to_owned()).spawn_scoped(scope, || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            Ok(runtime.block_on(work()))
        })?;
        worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_run_again_by_its_name() {
        let command = again(Seed::new(7), Some("sslmode=require"));
        assert!(command.starts_with("PGTLS_SEED=0000000000000007 PGTLS_FILTER='sslmode=require' "));
        assert!(command.ends_with("tests::a_test_is_run_again_by_its_name"), "{command}");
    }

    #[tokio::test]
    async fn work_is_done_within_a_runtime_too() {
        assert_eq!(to_its_end(|| async { 7 }).expect("a thread"), 7);
    }
}
