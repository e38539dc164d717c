//! Segments: a step's contents as bytes, and as the transcript tells them.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use rand::Rng as _;
use sha2::{Digest as _, Sha256};

use super::{
    action::{Action, Note, Part, World},
    proof::Sasl,
    state::{Awaited, Machine, Section},
    template,
};
use crate::{
    describe,
    protocol::{
        backend::{self, AuthenticationCode, TransactionStatus},
        message::BackendMessage,
        names,
    },
    scram::{self, Offer},
    script::{Content, Raw, Repeated, outline::Answer},
    session::Parameters,
    tls,
    transcript::{Challenge, EntryKind},
};

/// The most iterations that are reckoned, so that a script costs this server no more than a client:
/// about a second's work. A proof that is made with more is not believed.
const MOST_ITERATIONS: u32 = 1_000_000;

/// The most that a repetition comes to, in bytes: enough for any flood, and no danger to this machine.
const LARGEST_FLOOD: usize = 16 * 1024 * 1024;

/// The salt of a password: it need not be secret, nor change, and derived it is the same in every run.
pub(crate) fn salt(password: &str) -> Vec<u8> {
    Sha256::digest(["pgtls salt ", password].concat())[..16].to_vec()
}

impl Machine {
    /// Sends contents in one segment.
    pub(super) fn send(&mut self, contents: &[Content], world: &World<'_>) -> Action {
        if self.startup.is_none() {
            self.answer(Answer::of(contents));
            self.injected |= !self.encrypted && contents.iter().any(Content::ends_login);
        }
        let mut parts = std::mem::take(&mut self.first_in_login);
        let mut server_first = None;
        for content in contents {
            self.say(content, world, &mut parts, &mut server_first);
        }
        match server_first {
            Some((text, Some(iterations))) => {
                self.held = Some((parts, text));
                self.awaited = Awaited::Verifier;
                Action::MakeVerifier(iterations)
            }
            Some((text, None)) => {
                self.exchange.server_first_sent(&text, None);
                Action::Send(parts)
            }
            None => Action::Send(parts),
        }
    }

    /// Appends a content to a segment, and notes what it means for what is to come.
    fn say(
        &mut self,
        content: &Content,
        world: &World<'_>,
        parts: &mut Vec<Part>,
        server_first: &mut Option<(String, Option<u32>)>,
    ) {
        if let Content::Repeat(repeated) = content {
            return self.say_again(repeated, world, parts, server_first);
        }
        let mut bytes = Vec::new();
        self.write(content, world, &mut bytes);
        match content {
            Content::Message(message) if self.section == Section::Login => {
                if let Some(first) = self.sent(message, &bytes, world) {
                    *server_first = Some(first);
                }
            }
            Content::Welcome if self.section == Section::Login => self.decide(true),
            _ => {}
        }
        self.append(content, bytes, parts);
    }

    /// Appends contents again and again: the first time as they are. What is said once more means nothing
    /// more, and is told by one entry.
    fn say_again(
        &mut self,
        repeated: &Repeated,
        world: &World<'_>,
        parts: &mut Vec<Part>,
        server_first: &mut Option<(String, Option<u32>)>,
    ) {
        let (once, times) = self.once(repeated, world);
        if times > 0 {
            for content in &repeated.contents {
                self.say(content, world, parts, server_first);
            }
        }
        if times > 1 {
            let more = times - 1;
            let kind = EntryKind::Hostile(format!("the same {more} times more").into());
            parts.push(Part { bytes: once.repeat(more), kind });
        }
    }

    /// What is repeated, and how many times it is sent.
    fn once(&mut self, repeated: &Repeated, world: &World<'_>) -> (Vec<u8>, usize) {
        let mut once = Vec::new();
        for content in &repeated.contents {
            self.write(content, world, &mut once);
        }
        let most = LARGEST_FLOOD / once.len().max(1);
        let times = usize::try_from(repeated.times).unwrap_or(usize::MAX).min(most);
        (once, times)
    }

    /// Notes what a message of the login means for what is to come; for SCRAM's first message of
    /// the server, its text, and how many iterations are to be reckoned.
    fn sent(
        &mut self,
        message: &BackendMessage,
        bytes: &[u8],
        world: &World<'_>,
    ) -> Option<(String, Option<u32>)> {
        let body = bytes.get(9..).unwrap_or_default();
        match message {
            BackendMessage::AuthenticationOk(_) => self.decide(true),
            BackendMessage::ErrorResponse(_) => self.decide(false),
            BackendMessage::AuthenticationMd5Password(_) => {
                let salt = body.first_chunk().copied();
                self.exchange.md5_salt = salt;
                self.notes.extend(salt.map(|salt| Note::Challenge(Challenge::Md5Salt(salt))));
            }
            BackendMessage::AuthenticationSasl(_) => {
                let mechanisms = body
                    .split(|&byte| byte == 0)
                    .filter(|name| !name.is_empty())
                    .map(|name| String::from_utf8_lossy(name).into_owned())
                    .collect();
                let end_point = world.tls.and_then(|tls| tls.server_end_point.clone());
                self.exchange.sasl = Sasl::Offered(Offer::new(mechanisms, end_point));
            }
            BackendMessage::AuthenticationSaslContinue(_)
                if matches!(self.exchange.sasl, Sasl::First(_)) =>
            {
                let text = String::from_utf8_lossy(body).into_owned();
                let iterations = scram::iterations(&text);
                let reckoned = iterations.filter(|count| (1..=MOST_ITERATIONS).contains(count));
                if let Some(count) = reckoned {
                    let challenge = Challenge::ScramSalt(salt(world.password), count);
                    self.notes.push(Note::Challenge(challenge));
                }
                return Some((text, reckoned));
            }
            _ => {}
        }
        None
    }

    /// Appends the content's bytes.
    fn write(&mut self, content: &Content, world: &World<'_>, out: &mut Vec<u8>) {
        match content {
            Content::Raw(Raw::Text(text)) => {
                out.extend(template::expand(text.as_bytes(), &|name| self.value(name, world)));
            }
            Content::Raw(raw) => out.extend(raw.bytes()),
            Content::Alert(alert) => {
                out.extend(tls::alert_record(alert.level, alert.description));
            }
            Content::Message(message) => {
                template::write(message, &|name| self.value(name, world), out);
            }
            Content::Welcome => self.welcome(world, out),
            Content::Repeat(repeated) => {
                let (once, times) = self.once(repeated, world);
                out.extend(once.repeat(times));
            }
        }
    }

    /// The value of a name in braces.
    fn value(&self, name: &str, world: &World<'_>) -> Option<Vec<u8>> {
        let exchange = &self.exchange;
        let drawn = || world.seed.child("login").rng();
        Some(match name {
            // It tells what comes from before TLS, or from without.
            "canary" if self.encrypted => Vec::new(),
            "canary" => world.canary.into(),
            "number" => world.number.unwrap_or(1).to_string().into(),
            "user" => exchange.user.clone().into(),
            "database" => exchange.database.clone().into(),
            "md5_salt" => {
                let mut salt = [0; 4];
                drawn().fill_bytes(&mut salt);
                salt.into()
            }
            "client_nonce" => match &exchange.sasl {
                Sasl::First(first) => first.nonce().into(),
                _ => Vec::new(),
            },
            // As many random bytes as PostgreSQL takes.
            "server_nonce" => {
                let mut nonce = [0; 18];
                drawn().fill_bytes(&mut nonce);
                BASE64_STANDARD.encode(nonce).into()
            }
            "salt" => BASE64_STANDARD.encode(salt(world.password)).into(),
            "server_signature" => exchange.signature.clone().unwrap_or_default().into(),
            _ => return None,
        })
    }

    /// What PostgreSQL sends behind a login.
    fn welcome(&mut self, world: &World<'_>, out: &mut Vec<u8>) {
        let mut bytes = Vec::new();
        backend::authentication_request(&mut bytes, AuthenticationCode::Ok, b"");
        let mut long_key = false;
        if let Some(startup) = &self.startup {
            let parameters = Parameters::new(startup, self.offers_tls);
            parameters.report(&mut bytes);
            self.parameters = Some(parameters);
            // Since protocol 3.2 keys are long.
            long_key = startup.protocol >= (3, 2);
        }
        let mut key = [0; 32];
        world.seed.child("cancel key").rng().fill_bytes(&mut key);
        let key_size = if long_key { key.len() } else { 4 };
        let process_id = i32::try_from(world.connection % 1_000_000).unwrap_or_default() + 1_000;
        backend::backend_key_data(&mut bytes, process_id, &key[..key_size]);
        backend::ready_for_query(&mut bytes, TransactionStatus::Idle);
        out.extend(self.edit(bytes, world));
    }

    /// Messages of the honest server as the script edits them.
    pub(crate) fn edit(&mut self, bytes: Vec<u8>, world: &World<'_>) -> Vec<u8> {
        if self.editor.is_idle() {
            return bytes;
        }
        let mut editor = std::mem::take(&mut self.editor);
        let edited = editor.edit(&bytes, |contents, out| {
            for content in contents {
                self.write(content, world, out);
            }
        });
        self.editor = editor;
        edited
    }

    /// Appends one of a segment's contents, as the transcript tells it.
    fn append(&mut self, content: &Content, bytes: Vec<u8>, parts: &mut Vec<Part>) {
        let kind = match content {
            Content::Alert(alert) => {
                EntryKind::Alert(tls::alert_name(alert.level, alert.description))
            }
            Content::Raw(_) if self.holds_signature(&bytes) => {
                return self.append_messages(&bytes, parts);
            }
            Content::Raw(_) => match bytes[..] {
                [byte] if self.startup.is_none() => EntryKind::NegotiationByte(byte),
                _ if self.tls_begun && !self.encrypted => {
                    EntryKind::Hostile("bytes that are not TLS".into())
                }
                _ => EntryKind::Hostile("raw bytes".into()),
            },
            Content::Message(message) if self.is_injection(message) => {
                return inject(names::of_backend(&bytes), bytes, parts);
            }
            Content::Welcome | Content::Repeat(_) => return self.append_messages(&bytes, parts),
            Content::Message(_) => self.told(&bytes),
        };
        parts.push(Part { bytes, kind });
    }

    /// Appends messages, whatever they were written by.
    fn append_messages(&self, bytes: &[u8], parts: &mut Vec<Part>) {
        parts.extend(messages(bytes).into_iter().map(|Part { bytes, kind }| match kind {
            EntryKind::Backend { .. } => Part { kind: self.told(&bytes), bytes },
            kind => Part { bytes, kind },
        }));
    }

    /// A message as the transcript tells it.
    fn told(&self, message: &[u8]) -> EntryKind {
        if is_sasl_final(message) {
            return EntryKind::ServerSignature { right: self.is_own_signature(message) };
        }
        describe::message(message)
    }

    /// Whether bytes of the login that a script writes itself have the server's signature among them.
    fn holds_signature(&self, bytes: &[u8]) -> bool {
        self.section == Section::Login && messages(bytes).iter().any(|it| is_sasl_final(&it.bytes))
    }

    /// Whether an AuthenticationSASLFinal has the signature of this exchange (RFC 5802, section 7:
    /// server-final-message), which only somebody who knows the password can make.
    fn is_own_signature(&self, message: &[u8]) -> bool {
        let body = message.get(9..).unwrap_or_default();
        let first = body.split(|&byte| byte == b',').next().unwrap_or_default();
        let signature = self.exchange.signature.as_ref().map(String::as_bytes);
        signature.is_some_and(|signature| first.strip_prefix(b"v=") == Some(signature))
    }

    /// Session data in clear before any login; an ErrorResponse has its place there.
    const fn is_injection(&self, message: &BackendMessage) -> bool {
        self.startup.is_none()
            && !self.encrypted
            && !matches!(message, BackendMessage::ErrorResponse(_))
    }
}

fn is_sasl_final(message: &[u8]) -> bool {
    names::of_backend(message) == "AuthenticationSASLFinal"
}

/// The head of what the transcript says of session data in clear before any login.
const INJECTED: &str = "plaintext ";

/// Appends injected session data, of which one entry tells as long as nothing else comes between.
fn inject(name: &'static str, bytes: Vec<u8>, parts: &mut Vec<Part>) {
    if let Some(Part { bytes: before, kind: EntryKind::Hostile(words) }) = parts.last_mut()
        && words.starts_with(INJECTED)
    {
        before.extend(bytes);
        if !words.ends_with(name) {
            words.to_mut().push_str(&format!(", {name}"));
        }
        return;
    }
    parts.push(Part { bytes, kind: EntryKind::Hostile(format!("{INJECTED}{name}").into()) });
}

/// Messages as parts of a segment, and what is behind them and none.
pub(crate) fn messages(mut bytes: &[u8]) -> Vec<Part> {
    let mut parts = Vec::new();
    while let Some(message) = names::first_message(bytes) {
        bytes = &bytes[message.len()..];
        parts.push(Part { kind: describe::message(message), bytes: message.to_vec() });
    }
    if !bytes.is_empty() {
        let kind = EntryKind::Hostile("raw bytes".into());
        parts.push(Part { bytes: bytes.to_vec(), kind });
    }
    parts
}
