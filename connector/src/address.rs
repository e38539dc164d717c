//! The attempts at one address, method by method, until one session stands.

use tokio_postgres::Client;

use crate::cancel::CancelToken;
use crate::closing::CLOSE_TIMEOUT;
use crate::config::SessionAttrs;
use crate::connection::Connection;
use crate::error::{Attempt, Cause, Fault, Phase};
use crate::login::Stage;
use crate::policy::{Event, Next};
use crate::route::{Failure, Progress, Route};
use crate::session;
use crate::stream::{AsItIs, Stream};

/// All attempts at one address, within one timeout.
pub(crate) async fn try_address(
    route: &Route,
    session: SessionAttrs,
    attempts: &mut Vec<Attempt>,
) -> Result<(Client, Connection), Next> {
    let mut progress = Progress { phase: Phase::Connect, encrypted: false };
    let work = try_methods(route, session, &mut progress, attempts);
    let Some(timeout) = route.settings.timeout else { return work.await };
    match tokio::time::timeout(timeout, work).await {
        Ok(done) => done,
        Err(_) => {
            attempts.push(route.attempt(progress, Fault::TimedOut(timeout).into()));
            Err(Next::OtherAddress)
        }
    }
}

async fn try_methods(
    route: &Route,
    session: SessionAttrs,
    progress: &mut Progress,
    attempts: &mut Vec<Attempt>,
) -> Result<(Client, Connection), Next> {
    let mut plan = route.plan();
    loop {
        let (next, cause) = match route.open(&mut plan, progress).await {
            Ok(stream) => {
                progress.phase = Phase::Login;
                match log_in(route, stream, session, progress).await {
                    Ok(connected) => return Ok(connected),
                    Err(failure) => (plan.after(failure.event), failure.cause),
                }
            }
            Err(given_up) => given_up,
        };
        tracing::debug!(phase = %progress.phase, %cause, ?next, "attempt failed");
        attempts.push(route.attempt(*progress, cause));
        if next != Next::NewConnection {
            return Err(next);
        }
    }
}

/// From the StartupMessage to a session of the wanted kind.
async fn log_in(
    route: &Route,
    mut stream: Stream,
    session: SessionAttrs,
    progress: &mut Progress,
) -> Result<(Client, Connection), Failure> {
    let encrypted = stream.is_encrypted();
    let watching = stream.watch(route.settings.binding);
    let (client, inner) = match route.settings.login.connect_raw(stream, AsItIs).await {
        Ok(connected) => connected,
        Err(error) => {
            // The watch sees whole segments: behind a request that we refuse, a rejection may have come already.
            let by_server = error.as_db_error().is_some();
            let event = match watching.look().stage() {
                Stage::Rejected(code) if by_server => match code.as_deref() {
                    Some(CANNOT_CONNECT_NOW) => Event::Unsuitable,
                    _ => Event::Rejected,
                },
                _ => Event::Broken,
            };
            return Err(Failure::new(event, login_cause(error)));
        }
    };
    let key = watching.look().key().cloned();
    let cancel = CancelToken::new(route.clone(), encrypted, key);
    let mut connection = Connection::new(inner, cancel, encrypted);
    progress.phase = Phase::Session;
    let failure = match session::suits(&client, &mut connection, session).await {
        Ok(true) => return Ok((client, connection)),
        Ok(false) => Failure::new(Event::Unsuitable, Fault::WrongSession(session.as_str())),
        Err(failure) => failure,
    };
    if failure.event == Event::Unsuitable {
        drop(client);
        // As libpq does, it takes its leave.
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, connection).await;
    }
    Err(failure)
}

/// cannot_connect_now (PostgreSQL documentation, appendix A): the server starts up, shuts down or recovers.
const CANNOT_CONNECT_NOW: &str = "57P03";

/// tokio-postgres says "connection closed" by an error that nothing else can be told from.
fn login_cause(error: tokio_postgres::Error) -> Cause {
    match error.is_closed() {
        true => Fault::ClosedInLogin.into(),
        false => error.into(),
    }
}
