//! Simple query: a text of statements, answered a piece at a time.

use super::{
    command::Command,
    lexer::Statements,
    limits::MAX_ANSWER,
    refusal::{out_of_memory, too_much},
    rows::{describe, send},
    run::{Ran, rows_tag},
    state::State,
    statement,
    token::Token,
};
use crate::{
    budget::Held,
    protocol::{backend, frontend::Format, report::Report},
};

/// How much text is read, and how much answered, before others have their turn, in bytes: well
/// below a millisecond's work.
const PIECE: usize = 8 * 1024;
/// What a statement counts for beside its length: however short, it has to be run.
const STATEMENT: usize = 64;

/// A text that is not answered to its end.
#[derive(Debug)]
pub(super) struct Query {
    sql: String,
    /// Where the next statement begins, in bytes.
    at: usize,
    stage: Stage,
    /// How much was answered, in bytes.
    answered: usize,
    /// What the text holds of the account.
    _held: Held,
}

/// PostgreSQL reads all statements before it runs the first, so each is read twice; none is kept.
#[derive(Debug)]
enum Stage {
    /// How many were read.
    Reading(usize),
    Running,
}

impl Query {
    /// A text that is not begun; the unnamed statement and portal end with it.
    ///
    /// # Errors
    /// When there is no memory for the text.
    pub(super) fn new(sql: String, state: &mut State) -> Result<Self, Report> {
        state.prepared.remove("");
        state.portals.remove("");
        let held = state.account.hold(sql.capacity()).map_err(out_of_memory)?;
        Ok(Self { sql, at: 0, stage: Stage::Reading(0), answered: 0, _held: held })
    }

    /// Answers the next piece; whether it was the last.
    ///
    /// # Errors
    /// Where a statement is refused: the rest of the text is not run.
    pub(super) fn proceed(&mut self, state: &mut State, out: &mut Vec<u8>) -> Result<bool, Report> {
        let mut work = 0;
        while work < PIECE {
            let mut statements = Statements::from(&self.sql, self.at);
            let refused = |report| state.refuse_if_failed(report);
            let tokens = statements.next().map_err(refused)?;
            let size = statements.position() - self.at;
            self.at = statements.position();
            work += STATEMENT + size;
            match (tokens, &mut self.stage) {
                (Some(tokens), _) if tokens.is_empty() => {}
                (Some(tokens), Stage::Reading(count)) => {
                    let command = statement::checked(&tokens).map_err(refused)?;
                    *count += 1;
                    // Nothing but blanks may follow the only statement of most texts.
                    let rest = self.sql.get(self.at..).unwrap_or_default();
                    if *count == 1 && rest.bytes().all(|byte| byte == b' ' || byte == b'\n') {
                        self.run_one(&tokens, &command, state, out)?;
                        return Ok(true);
                    }
                }
                (Some(tokens), Stage::Running) => {
                    let command = statement::checked(&tokens).map_err(refused)?;
                    work += self.run_one(&tokens, &command, state, out)?;
                }
                (None, Stage::Reading(0)) => {
                    backend::empty_query_response(out);
                    return Ok(true);
                }
                (None, Stage::Reading(_)) => {
                    self.at = 0;
                    self.stage = Stage::Running;
                }
                (None, Stage::Running) => return Ok(true),
            }
        }
        Ok(false)
    }

    /// Runs a statement, and gives the size of its answer in bytes.
    fn run_one(
        &mut self,
        tokens: &[Token],
        command: &Command,
        state: &mut State,
        out: &mut Vec<u8>,
    ) -> Result<usize, Report> {
        if self.answered > MAX_ANSWER {
            return Err(too_much("an answer of more than 4 MiB"));
        }
        if let Some(number) = statement::first_parameter(tokens) {
            return Err(Report::error("42P02", format!("there is no parameter ${number}")));
        }
        let before = out.len();
        simple(state, command, out)?;
        let answered = out.len() - before;
        self.answered += answered;
        Ok(answered)
    }
}

/// Runs a command for simple query.
fn simple(state: &mut State, command: &Command, out: &mut Vec<u8>) -> Result<(), Report> {
    state.check_transaction(command)?;
    let fields = state.fields(command)?.unwrap_or_default();
    match state.run(command, None, out)? {
        Ran::Command(tag) => backend::command_complete(out, tag),
        Ran::Rows(rows) => {
            describe(&fields, |_| Format::Text, out);
            for row in &rows {
                send(row, &fields, |_| Format::Text, out);
            }
            backend::command_complete(out, rows_tag(command, rows.len()));
        }
    }
    Ok(())
}
