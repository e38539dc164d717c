//! Shims: programs that drive one client each, and how the runner speaks with them.

mod error;
mod family;
mod guardian;
mod launch;
mod manifest;
mod message;
mod orphans;
mod output;
mod process;
mod run_folder;

pub use self::{
    error::ShimError,
    guardian::{Guardian, stand_guard},
    launch::{ClientEnvironment, Launch},
    manifest::{Manifest, ManifestError, ManifestStack},
    message::{
        Answer, CONTRACT, ClientError, Connect, FollowUp, Hello, Outcome, Request, Response,
        Supports,
    },
    orphans::take_in_orphans,
    process::{Misbehaviour, ShimProcess},
    run_folder::RunFolder,
};
