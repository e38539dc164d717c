//! The places of a script in which something can be changed: its lists of steps and its segments.

use pgtls_mock_server::script::{Content, Conversation, EditKind, Script, Step, Steps};

/// The sections of a conversation, in the order in which a connection goes through them.
pub(super) type Section = fn(&mut Conversation) -> &mut Steps;

/// The answer to SSLRequest, and what follows it up to TLS.
pub(super) const SSL_REQUEST: Section = |conversation| &mut conversation.ssl_request;
/// The login.
pub(super) const STARTUP: Section = |conversation| &mut conversation.startup;

pub(super) const SECTIONS: &[Section] = &[
    |conversation| &mut conversation.accept,
    SSL_REQUEST,
    |conversation| &mut conversation.gssenc_request,
    |conversation| &mut conversation.client_hello,
    STARTUP,
    |conversation| &mut conversation.cancel_request,
];

/// Changes steps.
pub(super) fn change<T>(steps: &mut Steps, change: impl FnOnce(&mut Vec<Step>) -> T) -> T {
    let mut list = steps.to_vec();
    let result = change(&mut list);
    *steps = list.into();
    result
}

/// Shows every list of steps, those within steps too.
pub(super) fn each_list(script: &mut Script, visit: &mut dyn FnMut(&mut Vec<Step>)) {
    for conversation in &mut script.connections {
        for section in SECTIONS {
            change(section(conversation), |list| each_inner_list(list, visit));
        }
        for case in &mut conversation.session {
            change(&mut case.steps, |list| each_inner_list(list, visit));
        }
    }
}

fn each_inner_list(list: &mut Vec<Step>, visit: &mut dyn FnMut(&mut Vec<Step>)) {
    visit(list);
    for step in list {
        match step {
            Step::Repeat(repeat) => change(&mut repeat.steps, |list| each_inner_list(list, visit)),
            Step::If(branch) => {
                change(&mut branch.then, |list| each_inner_list(list, visit));
                change(&mut branch.otherwise, |list| each_inner_list(list, visit));
            }
            Step::Receive(cases) => {
                for case in cases {
                    change(&mut case.steps, |list| each_inner_list(list, visit));
                }
            }
            _ => {}
        }
    }
}

/// Shows every segment: what is sent in one go, and what is put in the place of honest messages.
pub(super) fn each_segment(script: &mut Script, visit: &mut dyn FnMut(&mut Vec<Content>)) {
    each_list(script, &mut |list| {
        for step in list {
            if let Step::Send(contents) = step {
                visit(contents);
            }
        }
    });
    for conversation in &mut script.connections {
        for edit in &mut conversation.edits {
            match &mut edit.edit {
                EditKind::Replace(contents)
                | EditKind::Before(contents)
                | EditKind::After(contents) => {
                    visit(contents);
                }
                _ => {}
            }
        }
    }
}

/// How many segments there are.
pub(super) fn count_segments(script: &mut Script) -> usize {
    let mut count = 0;
    each_segment(script, &mut |_| count += 1);
    count
}

/// Shows one segment, by its number.
pub(super) fn at_segment(
    script: &mut Script,
    number: usize,
    visit: &mut dyn FnMut(&mut Vec<Content>),
) {
    let mut at = 0;
    each_segment(script, &mut |contents| {
        if at == number {
            visit(contents);
        }
        at += 1;
    });
}

/// How many lists of steps there are.
pub(super) fn count_lists(script: &mut Script) -> usize {
    let mut count = 0;
    each_list(script, &mut |_| count += 1);
    count
}

/// Shows one list of steps, by its number.
pub(super) fn at_list(script: &mut Script, number: usize, visit: &mut dyn FnMut(&mut Vec<Step>)) {
    let mut at = 0;
    each_list(script, &mut |list| {
        if at == number {
            visit(list);
        }
        at += 1;
    });
}
