//! The machine, input by input.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use pgtls_harness::Seed;
use proptest::prelude::*;

use super::*;
use crate::{
    axes::{Reply, ServerAxes},
    protocol::{
        frontend::Message,
        startup::{CancelRequest, Packet, StartupMessage},
    },
    script::Script,
    trace::Event,
};

fn world() -> World<'static> {
    World {
        password: "secret",
        canary: "canary",
        number: Some(7),
        client: IpAddr::V4(Ipv4Addr::LOCALHOST),
        tls: None,
        seed: Seed::new(1),
        connection: 0,
        refusal: None,
    }
}

fn startup() -> Packet {
    Packet::Startup(StartupMessage::new((3, 0), &[("user", "bob")]))
}

/// A machine, and what it logged so far.
struct Run {
    machine: Machine,
    events: Vec<Event>,
}

impl Run {
    fn of(script: &Script) -> (Self, Action) {
        let conversation = script.on_connection(0).cloned().unwrap_or_default();
        let machine = Machine::new(Arc::new(conversation), true);
        let mut run = Self { machine, events: Vec::new() };
        let action = run.take(Input::Done);
        (run, action)
    }

    fn json(text: &str) -> (Self, Action) {
        Self::of(&Script::from_json(text).expect("a script"))
    }

    fn take(&mut self, input: Input<'_>) -> Action {
        let turn = self.machine.advance(input, &world());
        self.events.extend(turn.enter.iter().filter_map(|note| match note {
            Note::Event(event) => Some(*event),
            _ => None,
        }));
        turn.action
    }

    /// What is sent, as text; and then the next action.
    fn sent(&mut self, action: Action) -> (String, Action) {
        let Action::Send(parts) = action else { panic!("{action:?}") };
        let bytes: Vec<u8> = parts.into_iter().flat_map(|part| part.bytes).collect();
        (String::from_utf8_lossy(&bytes).into_owned(), self.take(Input::Done))
    }
}

fn of(reply: Reply) -> (Run, Action) {
    Run::of(&Script::of(&ServerAxes { reply, ..ServerAxes::default() }))
}

#[test]
fn each_request_may_come_once_and_tls_only_first() {
    let (mut run, first) = of(Reply::Refuse);
    assert_eq!(first, Action::AwaitFirstPacket { again: false });
    let answer = run.take(Input::Packet(Packet::SslRequest));
    assert_eq!(run.sent(answer), ("N".to_owned(), Action::AwaitFirstPacket { again: true }));
    let gss = run.take(Input::Packet(Packet::GssEncRequest));
    assert_eq!(run.sent(gss).0, "N");
    assert!(matches!(run.take(Input::Packet(Packet::SslRequest)), Action::Junk(Some(_))));
    assert_eq!(run.events, [Event::SslReject, Event::GssReject, Event::Junk]);

    let (mut run, _) = of(Reply::Refuse);
    let answer = run.take(Input::Packet(Packet::SslRequest));
    run.sent(answer);
    assert_eq!(run.take(Input::TlsRecord), Action::Junk(None));
}

#[test]
fn inside_tls_there_is_only_login_and_cancel() {
    for input in [
        Input::Packet(Packet::SslRequest),
        Input::Packet(Packet::GssEncRequest),
        Input::TlsRecord,
        Input::Neither,
    ] {
        let (mut run, _) = of(Reply::Accept);
        let answer = run.take(Input::Packet(Packet::SslRequest));
        assert_eq!(run.sent(answer), ("S".to_owned(), Action::Handshake));
        run.take(Input::Secured { alpn: false });
        run.take(input);
        assert_eq!(run.events, [Event::SslAccept, Event::Junk]);
    }
    let (mut run, _) = of(Reply::Accept);
    let request = CancelRequest { process_id: 1, key: vec![1; 4] };
    assert_eq!(run.take(Input::Packet(Packet::Cancel(request))), Action::Close);
    assert_eq!(run.events, [Event::Cancel]);
}

#[test]
fn only_accept_ever_accepts_a_direct_client_hello() {
    let mut rejected = 0;
    for &reply in Reply::ALL {
        let (mut run, _) = of(reply);
        assert_eq!(run.take(Input::TlsRecord), Action::AwaitClientHello, "{reply}");
        let action = run.take(Input::Done);
        if reply == Reply::Accept {
            assert_eq!(action, Action::Handshake);
            run.take(Input::Secured { alpn: true });
            assert_eq!(run.events, [Event::DirectSslAccept]);
        } else {
            assert_eq!(run.events[0], Event::DirectSslReject, "{reply}");
            assert_eq!(run.events.contains(&Event::BackendError), reply == Reply::Error, "{reply}");
            rejected += 1;
        }
    }
    assert_eq!(rejected, Reply::ALL.len() - 1);
}

#[test]
fn without_alpn_a_direct_connection_comes_to_nothing() {
    let (mut run, _) = of(Reply::Accept);
    run.take(Input::TlsRecord);
    run.take(Input::Done);
    assert_eq!(run.take(Input::Secured { alpn: false }), Action::Close);
    assert_eq!(run.events, [Event::DirectSslReject]);
}

#[test]
fn a_login_is_decided_by_what_is_sent() {
    let right = Message::Proof(b"secret\0".to_vec().into());
    let wrong = Message::Proof(b"guess\0".to_vec().into());
    for (message, event) in [(&right, Event::AuthOk), (&wrong, Event::AuthFail)] {
        let (mut run, _) = Run::json("{}");
        let ask = run.take(Input::Packet(startup()));
        assert_eq!(run.sent(ask).1, Action::AwaitMessage);
        match run.take(Input::Message(message)) {
            Action::Reject(..) => assert_eq!(event, Event::AuthFail),
            welcome => assert_eq!(run.sent(welcome).1, Action::Session),
        }
        assert_eq!(run.events, [event]);
    }
}

#[test]
fn a_server_that_leaves_an_undecided_login_has_rejected_it() {
    for (steps, events) in [
        (r#"["close"]"#, &[Event::AuthFail][..]),
        (r#"[]"#, &[Event::AuthFail]),
        (r#"["silence"]"#, &[]),
        (r#"[{"send": ["error_response"]}, "close"]"#, &[Event::AuthFail]),
        (r#"[{"send": ["authentication_ok"]}, "close"]"#, &[Event::AuthOk]),
    ] {
        let (mut run, _) = Run::json(&format!(r#"{{"connections": [{{"startup": {steps}}}]}}"#));
        if let Action::Send(_) = run.take(Input::Packet(startup())) {
            run.take(Input::Done);
        }
        assert_eq!(run.events, events, "{steps}");
    }
}

#[test]
fn scram_is_a_template() {
    let script = r#"{"connections": [{"startup": [
        {"send": [{"authentication_sasl": {"mechanisms": ["SCRAM-SHA-256"]}}]},
        {"expect": "sasl_initial_response"},
        {"send": [{"authentication_sasl_continue": {"data": "r={client_nonce}!,s={salt},i=12"}}]},
        {"expect": "sasl_response"}
    ]}]}"#;
    let (mut run, _) = Run::json(script);
    let ask = run.take(Input::Packet(startup()));
    assert_eq!(run.sent(ask).1, Action::AwaitMessage);
    let first = b"SCRAM-SHA-256\0\0\0\0\x0cn,,n=,r=abcd".to_vec();
    let first = Message::Proof(first.into());
    assert_eq!(run.take(Input::Message(&first)), Action::MakeVerifier(12));
    let answer = run.take(Input::Verifier(None));
    let (sent, next) = run.sent(answer);
    assert!(sent.contains("r=abcd!,s=") && sent.ends_with(",i=12"), "{sent}");
    assert_eq!(next, Action::AwaitMessage);
}

#[test]
fn a_message_that_is_received_chooses_the_steps() {
    let script = r#"{"connections": [{"startup": [
        {"receive": [
            {"on": "query", "do": [{"send": [{"text": "query"}]}]},
            {"on": "any", "do": [{"repeat": {"times": 2, "steps": [{"send": [{"text": "any"}]}]}}]}
        ]}
    ]}]}"#;
    for (message, wanted) in
        [(Message::Query("SELECT 1".to_owned()), &["query"][..]), (Message::Sync, &["any", "any"])]
    {
        let (mut run, _) = Run::json(script);
        assert_eq!(run.take(Input::Packet(startup())), Action::AwaitMessage);
        let mut action = run.take(Input::Message(&message));
        for &wanted in wanted {
            let (sent, next) = run.sent(action);
            assert_eq!(sent, wanted);
            action = next;
        }
        assert_eq!(action, Action::Close);
    }
}

#[test]
fn steps_that_do_nothing_come_to_an_end() {
    let nothing = r#"{"repeat": {"times": 4294967295, "steps": [{"if": {"is": "plus"}}]}}"#;
    let script = format!(
        r#"{{"connections": [{{"accept": [{{"repeat": {{"times": 9999999, "steps": [{nothing}]}}}}]}}]}}"#
    );
    let (_, action) = Run::json(&script);
    assert_eq!(action, Action::Close);
}

/// Steps of any kind, in any section.
fn steps() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop::sample::select(vec![
        r#""close""#,
        r#""silence""#,
        r#""reset""#,
        r#"{"send": []}"#,
        r#"{"send": ["welcome", {"text": "S{user}{"}]}"#,
        r#"{"send": ["authentication_ok", {"alert": {"description": 1}}]}"#,
        r#"{"send": ["error_response", {"data_row": {"values": ["{number}"], "count": 9}}]}"#,
        r#"{"send": ["authentication_sasl"]}"#,
        r#"{"send": [{"authentication_sasl_continue": {"data": "i=99999999999,r={client_nonce}"}}]}"#,
        r#"{"send": ["authentication_md5_password"]}"#,
        r#"{"wait": "byte"}"#,
        r#"{"wait": "client_hello"}"#,
        r#"{"wait": {"milliseconds": 1}}"#,
        r#"{"if": {"is": "plus", "then": ["close"], "else": [{"send": [{"hex": "00"}]}]}}"#,
        r#"{"repeat": {"times": 2, "steps": [{"send": ["ready_for_query"]}]}}"#,
    ]);
    prop::collection::vec(leaf, 0..5)
        .prop_map(|steps| serde_json::from_str(&format!("[{}]", steps.join(","))).expect("JSON"))
}

/// Steps of a login.
fn login() -> impl Strategy<Value = serde_json::Value> {
    let more = prop::sample::select(vec![
        r#"{"expect": "password"}"#,
        r#"{"expect": "md5"}"#,
        r#"{"expect": "sasl_initial_response"}"#,
        r#"{"expect": "sasl_response"}"#,
        r#"{"expect": "client_certificate"}"#,
        r#"{"reject": "no_pg_hba_entry"}"#,
        r#"{"receive": [{"on": "any", "do": [{"send": ["welcome"]}]}]}"#,
    ]);
    (steps(), prop::collection::vec(more, 0..4), steps()).prop_map(|(mut before, more, behind)| {
        let more = more.iter().map(|step| serde_json::from_str(step).expect("JSON"));
        let steps = before.as_array_mut().expect("a list");
        steps.extend(more);
        steps.extend(behind.as_array().expect("a list").iter().cloned());
        before
    })
}

proptest! {
    /// Whatever the script and whatever comes: the machine says what to do, and comes to an end.
    #[test]
    fn no_script_and_no_client_confuse_the_machine(
        accept in steps(),
        ssl_request in steps(),
        client_hello in steps(),
        startup_steps in login(),
        inputs in prop::collection::vec(0_u8..12, 0..40),
    ) {
        let script = serde_json::json!({"connections": [{
            "accept": accept, "ssl_request": ssl_request,
            "client_hello": client_hello, "startup": startup_steps,
        }]});
        let script = Script::from_json(&script.to_string()).expect("a script");
        let (mut run, mut action) = Run::of(&script);
        let proof = Message::Proof(b"SCRAM-SHA-256\0\0\0\0\x0cn,,n=,r=abcd".to_vec().into());
        for input in inputs {
            if matches!(action, Action::Close | Action::Reset | Action::Silence { .. }) {
                break;
            }
            action = run.take(match input {
                0 => Input::Done,
                1 => Input::Packet(Packet::SslRequest),
                2 => Input::Packet(startup()),
                3 => Input::TlsRecord,
                4 => Input::Neither,
                5 => Input::Secured { alpn: true },
                6 => Input::NotSecured,
                7 => Input::Message(&proof),
                8 => Input::Message(&Message::Terminate),
                9 => Input::Broken("no message".to_owned()),
                10 => Input::Verifier(None),
                _ => Input::Spoke(true),
            });
        }
    }
}
