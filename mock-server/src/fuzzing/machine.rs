//! The machine that runs scripts, and a client that says anything.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use pgtls_harness::Seed;

use crate::{
    machine::{
        Machine,
        action::{Action, Input, Note, TlsSession, World},
        segment::salt,
    },
    protocol::{
        frontend::{self, Message},
        startup,
    },
    scram::Verifier,
    script::Script,
    trace::Event,
};

/// More turns than any script has that is meant; others repeat their steps without end.
const MOST_TURNS: usize = 10_000;
/// As many iterations as are reckoned here; the machine has to do without more.
const FEW_ITERATIONS: u32 = 8;

const PASSWORD: &str = "password";

/// What the client says, from the first byte to the last.
struct Client<'a>(&'a [u8]);

/// What came of an action.
enum Came {
    Input(Input<'static>),
    Message(Message),
}

/// A script as JSON, a NUL, and what its client sends: the machine tells of no event twice, shakes hands once, and lets
/// in whom it says it lets in. A handshake is one byte, which says how it ends.
pub fn machine(data: &[u8]) {
    let end = data.iter().position(|&byte| byte == 0).unwrap_or(data.len());
    let Ok(script) = std::str::from_utf8(&data[..end]) else { return };
    let Ok(script) = Script::from_json(script) else { return };
    let conversation = script.on_connection(0).cloned().unwrap_or_default();
    let mut machine = Machine::new(Arc::new(conversation), script.outline(0).offers_tls());
    let mut client = Client(data.get(end + 1..).unwrap_or_default());
    let mut tls = None;
    let mut events = Vec::new();
    let mut came = Came::Input(Input::Done);
    for _ in 0..MOST_TURNS {
        let input = match came {
            Came::Input(input) => input,
            Came::Message(ref message) => Input::Message(message),
        };
        let turn = machine.advance(input, &world(tls.as_ref()));
        for note in turn.enter {
            if let Note::Event(event) = note {
                assert!(!events.contains(&event), "{event:?} behind {events:?}");
                events.push(event);
            }
        }
        assert_eq!(machine.is_logged_in(), events.contains(&Event::AuthOk));
        let next = match turn.action {
            Action::Handshake => {
                assert!(tls.is_none(), "TLS inside of TLS");
                client.shake_hands(&mut tls)
            }
            Action::Session => client.session(&mut machine),
            action => client.answer(action),
        };
        let Some(next) = next else { return };
        came = next;
    }
}

fn world(tls: Option<&TlsSession>) -> World<'_> {
    World {
        password: PASSWORD,
        canary: "canary",
        number: Some(7),
        client: IpAddr::V4(Ipv4Addr::LOCALHOST),
        tls,
        seed: Seed::new(1),
        connection: 0,
        refusal: None,
    }
}

impl Client<'_> {
    fn take(&mut self, size: usize) {
        self.0 = &self.0[size..];
    }

    fn message(&mut self) -> Option<Came> {
        match frontend::message(self.0) {
            Ok(Some((message, size))) => {
                self.take(size);
                Some(Came::Message(message))
            }
            Ok(None) => None,
            Err(error) => Some(Came::Input(Input::Broken(error.to_string()))),
        }
    }

    fn shake_hands(&mut self, tls: &mut Option<TlsSession>) -> Option<Came> {
        let (&how, _) = self.0.split_first()?;
        self.take(1);
        if how & 1 == 0 {
            return Some(Came::Input(Input::NotSecured));
        }
        *tls = Some(TlsSession {
            server_end_point: (how & 4 != 0).then(|| vec![7; 32]),
            client_name: (how & 8 != 0).then(|| "bob".to_owned()),
        });
        Some(Came::Input(Input::Secured { alpn: how & 2 != 0 }))
    }

    /// The session: what no case of the script is about is answered elsewhere.
    fn session(&mut self, machine: &mut Machine) -> Option<Came> {
        while let Some(Came::Message(message)) = self.message() {
            if machine.reacts_to(&message) {
                machine.react(&message);
                return Some(Came::Input(Input::Done));
            }
        }
        None
    }

    /// What comes of the other actions; none where the connection is over.
    fn answer(&mut self, action: Action) -> Option<Came> {
        Some(Came::Input(match action {
            Action::AwaitFirstPacket { .. } if self.0.first() == Some(&22) => {
                self.take(1);
                Input::TlsRecord
            }
            Action::AwaitFirstPacket { .. } => match startup::first_packet(self.0) {
                Ok(Some((packet, size))) => {
                    self.take(size);
                    Input::Packet(packet)
                }
                Ok(None) => return None,
                Err(_) => Input::Neither,
            },
            Action::AwaitMessage => return self.message(),
            Action::AwaitByte { .. } | Action::AwaitClientHello => {
                self.0.first().map(|_| Input::Done)?
            }
            Action::HeadStart => Input::Spoke(!self.0.is_empty()),
            Action::MakeVerifier(iterations) => {
                assert_ne!(iterations, 0);
                let make = || Arc::new(Verifier::new(PASSWORD, &salt(PASSWORD), iterations));
                Input::Verifier((iterations <= FEW_ITERATIONS).then(make))
            }
            Action::Wait(_) | Action::Send(_) | Action::UpdateKeys => Input::Done,
            Action::Reject(..)
            | Action::Junk(_)
            | Action::Close
            | Action::Reset
            | Action::Silence { .. }
            // These are done elsewhere.
            | Action::Handshake
            | Action::Session => return None,
        }))
    }
}
