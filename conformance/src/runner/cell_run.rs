//! What came of one cell.

use pgtls_mock_server::transcript::Observation;

use crate::results::CellResult;

/// A cell's result, with the transcript that the results do not carry.
#[derive(Debug, Clone)]
pub struct CellRun {
    /// Tells the runs of one subject or plan apart, in the order in which they were begun.
    pub number: usize,
    /// The result.
    pub result: CellResult,
    /// What the server saw; empty where the stack does not support the cell.
    pub observation: Observation,
}
