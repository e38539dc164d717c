//! Shims: programs that drive one client each, and how the runner speaks with them.

mod column_type;
mod error;
mod family;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod gauge;
mod guardian;
mod launch;
mod manifest;
mod message;
mod meter;
mod misbehaviour;
mod orphans;
mod output;
mod parting;
mod process;
mod run_folder;
mod supports;
mod taken;
#[cfg(test)]
mod tests;

pub use self::{
    column_type::ColumnType,
    error::ShimError,
    guardian::{Guardian, stand_guard},
    launch::{ClientEnvironment, Launch},
    manifest::{Manifest, ManifestError, ManifestStack},
    message::{
        Answer, CONTRACT, ClientError, Connect, FollowUp, Hello, Outcome, Request, Response,
    },
    misbehaviour::Misbehaviour,
    orphans::take_in_orphans,
    process::ShimProcess,
    run_folder::RunFolder,
    supports::{RootStore, Supports},
};
pub(crate) use self::{
    gauge::{Gauge, Mark},
    meter::Meter,
};
