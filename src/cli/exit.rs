//! The exit codes, as the contract fixes them.

/// No finding.
pub const CLEAN: u8 = 0;
/// Findings.
pub const FINDINGS: u8 = 1;
/// The command was wrong.
pub const USAGE: u8 = 2;
/// The tool itself failed.
pub const FAILED: u8 = 3;
/// Interrupted.
pub const INTERRUPTED: u8 = 130;
