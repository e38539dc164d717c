//! Cancel requests that go the way their session went.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::error::{Attempt, Cause, Error, Fault, Phase};
use crate::login::CancelKey;
use crate::policy::{Method, Next, Plan};
use crate::route::{Progress, Route};
use crate::stream::Stream;

/// For requests where `connect_timeout` is not set: long enough for any answer that still helps.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// The capability to cancel what a session is doing.
///
/// The request travels to the session's own address and under its own terms: the same host name for SNI and
/// `verify-full`, the same trust, the same mode. Where the session is protected by TLS, so is the request, or it is
/// not sent.
#[derive(Clone)]
pub struct CancelToken {
    route: Route,
    encrypted: bool,
    key: Option<CancelKey>,
}

impl CancelToken {
    pub(crate) fn new(route: Route, encrypted: bool, key: Option<CancelKey>) -> CancelToken {
        CancelToken { route, encrypted, key }
    }

    /// Asks the server to cancel, within `connect_timeout`, or ten seconds where none is set.
    ///
    /// Success says that the server took the request; whether anything was left to cancel, nobody tells.
    ///
    /// # Errors
    /// The request could not be sent.
    pub async fn cancel(&self) -> Result<(), Error> {
        self.cancel_within(self.route.settings.timeout.unwrap_or(DEFAULT_TIMEOUT)).await
    }

    /// The same within `timeout`.
    ///
    /// # Errors
    /// The request could not be sent in that time.
    pub async fn cancel_within(&self, timeout: Duration) -> Result<(), Error> {
        let mut progress = Progress { phase: Phase::Cancel, encrypted: self.encrypted };
        let Some(key) = &self.key else {
            return Err(Error::one(self.route.attempt(progress, Fault::NoCancelKey.into())));
        };
        let mut attempts = Vec::new();
        match tokio::time::timeout(timeout, self.request(key, &mut attempts, &mut progress)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(())) => Err(Error::all(attempts, Fault::NoHost)),
            Err(_) => {
                attempts.push(self.route.attempt(progress, Fault::TimedOut(timeout).into()));
                Err(Error::all(attempts, Fault::TimedOut(timeout)))
            }
        }
    }

    async fn request(
        &self,
        key: &CancelKey,
        attempts: &mut Vec<Attempt>,
        progress: &mut Progress,
    ) -> Result<(), ()> {
        let mut plan = match self.encrypted {
            true => Plan::only(Method::Tls),
            false => self.route.plan(),
        };
        loop {
            let (next, cause) = match self.route.open(&mut plan, progress).await {
                Ok(stream) => {
                    progress.phase = Phase::Cancel;
                    match send(stream, key).await {
                        Ok(()) => return Ok(()),
                        Err(cause) => (Next::Fail, cause),
                    }
                }
                Err(given_up) => given_up,
            };
            attempts.push(self.route.attempt(*progress, cause));
            if next != Next::NewConnection {
                return Err(());
            }
        }
    }
}

/// Sends the CancelRequest and waits for the server to close, which it does when it has acted on it.
async fn send(mut stream: Stream, key: &CancelKey) -> Result<(), Cause> {
    stream.write_all(&cancel_request(key)).await?;
    stream.flush().await?;
    // There is no answer. A server that ends TLS without ceremony has acted nonetheless.
    let mut rest = [0; 64];
    while matches!(stream.read(&mut rest).await, Ok(read) if read > 0) {}
    Ok(())
}

/// Length, the request code 1234 and 5678, then process and secret as BackendKeyData gave them.
fn cancel_request(key: &CancelKey) -> Vec<u8> {
    let length = 8 + key.0.len() as u32;
    [&length.to_be_bytes()[..], &[0x04, 0xd2, 0x16, 0x2e], &key.0].concat()
}

/// The secret is left out.
impl std::fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CancelToken")
            .field("endpoint", &self.route.endpoint)
            .field("encrypted", &self.encrypted)
            .finish_non_exhaustive()
    }
}
