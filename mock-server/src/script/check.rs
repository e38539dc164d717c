//! What the types of the language cannot say: which steps stand in which section.

use super::{
    ScriptError,
    language::{Script, Step, Steps},
};
use crate::protocol::names;

/// How deep steps may stand in steps.
const DEEPEST: usize = 32;

impl Script {
    /// Looks for steps that make no sense where they stand.
    pub(super) fn check(&self) -> Result<(), ScriptError> {
        for (number, conversation) in self.connections.iter().enumerate() {
            for (section, steps) in conversation.sections() {
                let of_login = section == "startup";
                check(steps, of_login, 0, &format!("connections[{number}].{section}"))?;
            }
            for (index, edit) in conversation.edits.iter().enumerate() {
                if !names::is_backend(&edit.message) {
                    let path = format!("connections[{number}].edits[{index}].message");
                    let what = format!("wanted a message of the server, got `{}`", edit.message);
                    return Err(ScriptError::new(&path, what));
                }
            }
            for (case, found) in conversation.session.iter().enumerate() {
                let path = format!("connections[{number}].session[{case}].do");
                check(&found.steps, true, 0, &path)?;
            }
        }
        Ok(())
    }
}

fn check(steps: &Steps, of_login: bool, depth: usize, path: &str) -> Result<(), ScriptError> {
    if depth > DEEPEST {
        return Err(ScriptError::new(path, format!("wanted steps at most {DEEPEST} deep")));
    }
    for (index, step) in steps.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let inside =
            |steps: &Steps, of: &str| check(steps, of_login, depth + 1, &format!("{path}.{of}"));
        match step {
            Step::Expect(_) if !of_login => return Err(misplaced(&path, "expect", "startup")),
            Step::Reject(_) if !of_login => return Err(misplaced(&path, "reject", "startup")),
            Step::Receive(_) if !of_login => return Err(misplaced(&path, "receive", "startup")),
            Step::Handshake if of_login => {
                let wanted = "handshake stands before the login: in accept, ssl_request, \
                              gssenc_request or client_hello";
                return Err(ScriptError::new(&path, wanted));
            }
            Step::Repeat(repeat) => inside(&repeat.steps, "repeat.steps")?,
            Step::If(branch) => {
                inside(&branch.then, "if.then")?;
                inside(&branch.otherwise, "if.else")?;
            }
            Step::Receive(cases) => {
                for (number, case) in cases.iter().enumerate() {
                    inside(&case.steps, &format!("receive[{number}].do"))?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn misplaced(path: &str, step: &str, section: &str) -> ScriptError {
    ScriptError::new(path, format!("{step} stands in {section} or session alone"))
}
