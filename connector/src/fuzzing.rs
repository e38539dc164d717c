//! What fuzz/ runs, and a test replays: functions over a fuzzer's bytes, which panic where a property does not hold.
//!
//! No part of the interface: behind the feature `fuzzing`, and free to change.

mod connect;

pub use self::connect::connect;
pub use crate::config::fuzzing::{conninfo_pairs, conninfo_url};
pub use crate::login::fuzzing::login_watch;
pub use crate::names::fuzzing::host_name;
pub use crate::tls::fuzzing::{certificate, revocation_list, root_file};

/// A target: its name in fuzz/, and the function.
pub type Target = (&'static str, fn(&[u8]));

/// Every target of this crate.
pub const TARGETS: &[Target] = &[
    ("certificate", certificate),
    ("connect", connect),
    ("conninfo_pairs", conninfo_pairs),
    ("conninfo_url", conninfo_url),
    ("host_name", host_name),
    ("login_watch", login_watch),
    ("revocation_list", revocation_list),
    ("root_file", root_file),
];
