//! The certificate authority: every certificate, key and file of the axes, made at first use.

mod authority;
mod binding;
pub(crate) mod cache;
mod certificates;
mod client;
mod error;
mod folder;
mod identity;
mod issue;
mod key;
#[cfg(test)]
mod tests;

pub use self::{
    authority::Authority,
    binding::server_end_point,
    client::{CLIENT_USER, ClientCertificate, ClientFiles},
    error::Error,
    identity::Identity,
};
