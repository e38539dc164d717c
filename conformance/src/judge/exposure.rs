//! Where the password came unencrypted.

use pgtls_mock_server::transcript::{Connection, Entry, EntryKind, Observation, Sender};

use super::{leak::Leak, secrets::Secrets};
use crate::transcript::Position;

/// Where the password, or something computed from it, came unencrypted. A challenge of one connection
/// may be answered on another one.
pub(super) fn plaintext_password(observation: &Observation, secrets: &Secrets) -> Vec<Position> {
    let connections = &observation.connections;
    let challenges: Vec<_> =
        connections.iter().flat_map(|connection| connection.challenges.iter().cloned()).collect();
    let leak = Leak::new(secrets, &challenges);
    let on = |(number, connection)| on_connection(number, connection, &leak);
    connections.iter().enumerate().flat_map(on).collect()
}

/// Where on a connection the password, or something computed from it, came unencrypted: in a proof, in
/// the names of a ClientHello, or anywhere in the bytes outside of TLS. What cannot be told to be in
/// one message may be in any of them.
fn on_connection(number: usize, connection: &Connection, leak: &Leak<'_>) -> Vec<Position> {
    let sent_in_clear = |wanted: &dyn Fn(&EntryKind) -> bool| -> Vec<Position> {
        let fits = |entry: &Entry| {
            entry.sender == Sender::Client && !entry.encrypted && wanted(&entry.what)
        };
        let entries = connection.entries.iter().enumerate();
        entries
            .filter(|(_, entry)| fits(entry))
            .map(|(entry, _)| Position::entry(number, entry))
            .collect()
    };
    let is_proof = |what: &EntryKind| matches!(what, EntryKind::Proof(proof) if proof.reveals());
    let names: Vec<&String> =
        connection.tls.iter().flat_map(|tls| tls.sni.iter().chain(&tls.alpn_offered)).collect();
    let is_named = names.into_iter().any(|name| leak.is_in(name.as_bytes()));
    if !is_named && !leak.is_in(&connection.clear_from_client) {
        return sent_in_clear(&is_proof);
    }
    let shows = |what: &EntryKind| match what {
        EntryKind::ClientHello => is_named,
        EntryKind::Startup { parameters, .. } => {
            let mut texts = parameters.iter().flat_map(|(name, value)| [name, value]);
            texts.any(|text| leak.is_in(text.as_bytes()))
        }
        EntryKind::Junk(bytes) => leak.is_in(bytes),
        what => is_proof(what),
    };
    let is_message = |what: &EntryKind| !matches!(what, EntryKind::Event(_) | EntryKind::Closed);
    [sent_in_clear(&shows), sent_in_clear(&is_message)]
        .into_iter()
        .find(|positions| !positions.is_empty())
        .unwrap_or_else(|| vec![Position::connection(number)])
}

#[cfg(test)]
mod tests {
    use pgtls_mock_server::transcript::{Challenge, Proof};

    use super::*;
    use crate::judge::{
        sample::{entry, observation, secrets},
        spelling::hex,
    };

    fn exposed(connections: Vec<Connection>) -> Vec<Position> {
        plaintext_password(&observation(connections), &secrets())
    }

    fn md5_hex(bytes: &[u8]) -> Vec<u8> {
        use md5::Digest as _;
        hex(&md5::Md5::digest(bytes))
    }

    #[test]
    fn a_challenge_of_one_connection_is_answered_on_another() {
        let stored = md5_hex(b"canary0123456789abcdefany");
        let response = md5_hex(&[stored.as_slice(), &[1, 2, 3, 4]].concat());
        let mut asked = Connection::default();
        asked.challenges.push(Challenge::Md5Salt([1, 2, 3, 4]));
        let mut answered = Connection::default();
        answered.clear_from_client = response;
        assert_eq!(exposed(vec![asked, answered.clone()]), [Position::connection(1)]);
        assert_eq!(exposed(vec![answered]), []);
    }

    #[test]
    fn a_leak_is_laid_to_the_message_that_shows_it() {
        let startup = |value: &str| {
            let parameters = vec![("options".to_owned(), value.to_owned())];
            entry(Sender::Client, false, EntryKind::Startup { protocol: (3, 0), parameters })
        };
        let request = || entry(Sender::Client, false, EntryKind::SslRequest);
        let clear_from_client = secrets().password.into_bytes();
        let of = |entries: Vec<Entry>| {
            let mut connection = Connection::of(entries);
            connection.clear_from_client.clone_from(&clear_from_client);
            exposed(vec![connection])
        };
        let shown = of(vec![request(), startup(&secrets().password)]);
        assert_eq!(shown, [Position::entry(0, 1)]);
        let unclear = of(vec![request(), startup("none")]);
        assert_eq!(unclear, [Position::entry(0, 0), Position::entry(0, 1)]);
        let proof = EntryKind::Proof(Proof::Password { right: true });
        let proven = of(vec![request(), entry(Sender::Client, false, proof)]);
        assert_eq!(proven, [Position::entry(0, 1)]);
    }
}
