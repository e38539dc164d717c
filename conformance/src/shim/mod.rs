//! Shims: programs that drive one client each, and how the runner speaks with them.

mod manifest;
mod message;
mod process;

pub use self::{
    manifest::{Manifest, ManifestError, ManifestStack},
    message::{
        Answer, CONTRACT, ClientError, Connect, FollowUp, Hello, Outcome, Request, Response,
        Supports,
    },
    process::{Environment, Launch, Misbehaviour, ShimError, ShimProcess},
};
