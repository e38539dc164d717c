//! The command line, the reports and the built-in stacks of pgtls.
//!
//! | module | holds |
//! | --- | --- |
//! | [`cli`] | the commands, one file each |
//! | [`report`] | results as a table, Markdown, JSON, JUnit |
//! | [`stacks`] | the built-in clients behind the shim contract |

#![forbid(unsafe_code)]

pub mod cli;
mod conninfo;
pub mod report;
pub mod stacks;
