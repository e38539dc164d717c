//! The login: another proof is asked for, with values of which one is wrong.

use pgtls_mock_server::script::{
    BackendMessage as M, Content, Expected, Step,
    body::{Data, Sasl},
};

use super::{
    super::{
        draw::Draw,
        grammar::{message, scram},
        sites,
    },
    connection::any_conversation,
    definition::Move,
};
use crate::axes::ChannelBinding;

pub(super) const LOGIN: Move = Move {
    weight: 10,
    make: |scenario, draw, _| {
        let binding = scenario.settings.channel_binding == ChannelBinding::Require;
        let Some(conversation) = any_conversation(&mut scenario.script, draw) else { return };
        // Where a binding is demanded, nothing else leads on.
        let mut steps = match draw.below(8) {
            _ if binding && !draw.one_in(4) => sasl(draw, binding),
            0 => vec![
                send("authentication_md5_password", draw),
                Step::Expect(Expected::Md5),
                welcome(),
            ],
            1 => vec![
                send("authentication_cleartext_password", draw),
                Step::Expect(Expected::Password),
                welcome(),
            ],
            2 => vec![welcome()],
            3 => vec![send("authentication_gss", draw), welcome()],
            _ => sasl(draw, binding),
        };
        if draw.one_in(6) {
            steps.insert(0, send("negotiate_protocol_version", draw));
        }
        sites::change(&mut conversation.startup, |list| *list = steps);
    },
};

fn welcome() -> Step {
    Step::Send(vec![Content::Welcome])
}

fn send(name: &str, draw: &mut Draw) -> Step {
    Step::Send(vec![message::named(name, draw, &[]).into()])
}

/// SCRAM, in which an offer, a message or its order is wrong; seldom more than one.
fn sasl(draw: &mut Draw, binding: bool) -> Vec<Step> {
    let wrong = draw.below(6);
    let data = |text: String| Data { data: text.into(), length: None };
    let mechanisms = match wrong {
        0 => scram::mechanisms(draw),
        _ if binding || draw.one_in(2) => {
            ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"].map(Into::into).into()
        }
        _ => vec!["SCRAM-SHA-256".into()],
    };
    let first = match wrong {
        1 | 2 => scram::server_first(draw),
        _ => "r={client_nonce}{server_nonce},s={salt},i=16".to_owned(),
    };
    let last = match wrong {
        3 => scram::server_final(draw),
        _ => "v={server_signature}".to_owned(),
    };
    let mut steps = vec![
        Step::Send(vec![M::AuthenticationSasl(Sasl { mechanisms, length: None }).into()]),
        Step::Expect(Expected::SaslInitialResponse),
        Step::Send(vec![M::AuthenticationSaslContinue(data(first)).into()]),
        Step::Expect(Expected::SaslResponse),
        Step::Send(vec![M::AuthenticationSaslFinal(data(last)).into(), Content::Welcome]),
    ];
    if wrong >= 4 {
        match draw.below(4) {
            // The client's proof is not waited for, or the server's is left out.
            0 => {
                steps.remove(draw.pick(&[1, 2, 3]));
            }
            1 => steps.truncate(2),
            2 => {
                steps.remove(4);
                steps.push(welcome());
            }
            _ => {
                steps.truncate(2);
                steps.push(welcome());
            }
        }
    }
    steps
}
