//! The command line, the reports and the built-in stacks of pgtls.
//!
//! | module | holds |
//! | --- | --- |
//! | [`cli`] | the commands, one file each |
//! | [`foreign`] | text that others wrote, shown so that it does nothing |
//! | [`report`] | results as a table, Markdown, JSON, JUnit |
//! | [`stacks`] | the built-in clients behind the shim contract |

#![forbid(unsafe_code)]

/// What the front page shows compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct FrontPage;

/// And so does what the libraries' own front pages show.
#[cfg(doctest)]
mod readmes {
    #[doc = include_str!("../harness/README.md")]
    struct Harness;
    #[doc = include_str!("../mock-server/README.md")]
    struct MockServer;
    #[doc = include_str!("../conformance/README.md")]
    struct Conformance;
}

pub mod cli;
mod conninfo;
pub mod foreign;
pub mod report;
pub mod stacks;
