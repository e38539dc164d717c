//! Simple query: a text of statements, answered a piece at a time.

use super::{
    Flow, MAX_ANSWER, Session,
    lexer::Statements,
    out_of_memory,
    statement::{self, Command},
    too_much,
};
use crate::{
    budget::Held,
    protocol::backend::{self, Report},
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

impl Session {
    /// Begins to answer a text.
    pub(super) fn begin_query(&mut self, sql: String, out: &mut Vec<u8>) -> Flow {
        self.prepared.remove("");
        self.portals.remove("");
        match self.account.hold(sql.capacity()) {
            Ok(held) => {
                let stage = Stage::Reading(0);
                self.query = Some(Query { sql, at: 0, stage, answered: 0, _held: held });
                self.proceed_with_query(out)
            }
            Err(exhausted) => {
                self.finish(Err(out_of_memory(exhausted)), out);
                Flow::Continue
            }
        }
    }

    /// Answers the next piece of it.
    pub(super) fn proceed_with_query(&mut self, out: &mut Vec<u8>) -> Flow {
        let Some(mut query) = self.query.take() else { return Flow::Continue };
        match self.piece(&mut query, out) {
            Ok(false) => {
                self.query = Some(query);
                return Flow::More;
            }
            Ok(true) => self.finish(Ok(()), out),
            Err(report) => self.finish(Err(report), out),
        }
        Flow::Continue
    }

    /// Whether it was the last piece.
    fn piece(&mut self, query: &mut Query, out: &mut Vec<u8>) -> Result<bool, Report> {
        let mut work = 0;
        while work < PIECE {
            let mut statements = Statements::from(&query.sql, query.at);
            let refused = |report| self.refuse_if_failed(report);
            let tokens = statements.next().map_err(refused)?;
            let size = statements.position() - query.at;
            query.at = statements.position();
            work += STATEMENT + size;
            match (tokens, &mut query.stage) {
                (Some(tokens), _) if tokens.is_empty() => {}
                (Some(tokens), Stage::Reading(count)) => {
                    let command = statement::checked(&tokens).map_err(refused)?;
                    *count += 1;
                    // Nothing but blanks may follow the only statement of most texts.
                    let rest = query.sql.get(query.at..).unwrap_or_default();
                    if *count == 1 && rest.bytes().all(|byte| byte == b' ' || byte == b'\n') {
                        self.run_one(&tokens, &command, query, out)?;
                        return Ok(true);
                    }
                }
                (Some(tokens), Stage::Running) => {
                    let command = statement::checked(&tokens).map_err(refused)?;
                    work += self.run_one(&tokens, &command, query, out)?;
                }
                (None, Stage::Reading(0)) => {
                    backend::empty_query_response(out);
                    return Ok(true);
                }
                (None, Stage::Reading(_)) => {
                    query.at = 0;
                    query.stage = Stage::Running;
                }
                (None, Stage::Running) => return Ok(true),
            }
        }
        Ok(false)
    }

    /// Runs a statement, and gives the size of its answer in bytes.
    fn run_one(
        &mut self,
        tokens: &[super::lexer::Token],
        command: &Command,
        query: &mut Query,
        out: &mut Vec<u8>,
    ) -> Result<usize, Report> {
        if query.answered > MAX_ANSWER {
            return Err(too_much("an answer of more than 4 MiB"));
        }
        if let Some(number) = statement::first_parameter(tokens) {
            return Err(Report::error("42P02", format!("there is no parameter ${number}")));
        }
        let before = out.len();
        self.simple(command, out)?;
        let answered = out.len() - before;
        query.answered += answered;
        Ok(answered)
    }
}
