//! The catalogue: the script of each value of the server's axes, by name.

use super::{
    language::Script,
    named::{Access, Auth, Reply},
    scram,
};
use crate::axes::ServerAxes;

impl Script {
    /// The axes of a server that does as the script has it, as far as axes can say it: the TLS that
    /// the first connection meets, over what is given.
    #[must_use]
    pub fn tls_over(&self, axes: ServerAxes) -> ServerAxes {
        let tls = self.connections.first().map(|first| first.tls).unwrap_or_default();
        ServerAxes { certificate: tls.certificate, key: tls.key, tls: tls.versions, ..axes }
    }

    /// The script that the values of these axes come to, the same on each connection.
    ///
    /// ```
    /// use pgtls_mock_server::{axes::{Reply, ServerAxes}, script::Script};
    ///
    /// let script = Script::of(&ServerAxes { reply: Reply::Refuse, ..ServerAxes::default() });
    /// assert!(!script.outline(0).shakes_hands());
    /// ```
    #[must_use]
    pub fn of(axes: &ServerAxes) -> Self {
        let mut whole = axes.reply.conversation().clone();
        let access = axes.access.conversation();
        let auth = axes.auth.conversation();
        whole.startup = access.startup.iter().chain(&*auth.startup).cloned().collect();
        whole.tls.certificate = axes.certificate;
        whole.tls.key = axes.key;
        whole.tls.versions = axes.tls;
        whole.tls.client_certificate = auth.tls.client_certificate;
        Self::always(whole)
    }
}

/// A named script.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Named {
    /// The axis and its value, such as `reply=stuffed`.
    pub name: String,
    /// What the server does, all other axes at their defaults.
    pub script: Script,
}

/// Every named script, in the order of the axes and of their values.
#[must_use]
pub fn all() -> Vec<Named> {
    let honest = ServerAxes::default();
    let named = |axis: &str, value: &str, axes: ServerAxes| Named {
        name: format!("{axis}={value}"),
        script: Script::of(&axes),
    };
    let replies = Reply::ALL
        .iter()
        .map(|&reply| named(Reply::AXIS, reply.name(), ServerAxes { reply, ..honest }));
    let accesses = Access::ALL
        .iter()
        .map(|&access| named(Access::AXIS, access.name(), ServerAxes { access, ..honest }));
    let auths =
        Auth::ALL.iter().map(|&auth| named(Auth::AXIS, auth.name(), ServerAxes { auth, ..honest }));
    replies.chain(accesses).chain(auths).chain(scram()).collect()
}

/// How a server may go about SCRAM.
fn scram() -> impl Iterator<Item = Named> {
    scram::all().map(|(value, conversation)| Named {
        name: format!("scram={value}"),
        script: Script::always(conversation),
    })
}

/// The script of that name: `reply=stuffed`, or `stuffed` where no other axis has such a value.
#[must_use]
pub fn find(name: &str) -> Option<Script> {
    let all = all();
    let exact = all.iter().find(|named| named.name == name);
    let mut by_value = all
        .iter()
        .filter(|named| named.name.split_once('=').is_some_and(|(_, value)| value == name));
    let found = exact.or_else(|| by_value.next().filter(|_| by_value.next().is_none()));
    found.map(|named| named.script.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::Conversation;

    #[test]
    fn every_named_script_survives_its_json() {
        let all = all();
        assert!(all.len() > 30);
        for Named { name, script } in all {
            assert_eq!(Script::from_json(&script.to_json()).as_ref(), Ok(&script), "{name}");
            assert_eq!(find(&name).as_ref(), Some(&script), "{name}");
        }
    }

    #[test]
    fn a_value_alone_is_a_name_where_it_is_the_only_one() {
        assert_eq!(find("stuffed"), find("reply=stuffed"));
        assert_eq!((find("error"), find("no-such")), (None, None));
    }

    #[test]
    fn the_default_is_the_honest_server() {
        let honest = Script::of(&ServerAxes::default());
        assert_eq!(honest, Script::always(Conversation::default()));
        assert_eq!(Script::from_json(r#"{"connections": [{}]}"#), Ok(honest));
    }
}
