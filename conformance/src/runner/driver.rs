//! What a driver has to say and to do to be a stack in this process.

use std::{fmt, sync::Arc};

use futures_util::future::BoxFuture;

use super::network::Network;
use crate::shim::{Connect, Hello, Outcome};

/// A driver in Rust as a stack in this process: the shim contract as a trait.
///
/// Each question is asked on a runtime that nothing else is on, whose clock is paused: a driver waits
/// by tokio's timers, opens its connections by [`Network::dial`] alone, and leaves no thread to wait
/// for but by `spawn_blocking`. A panic in it is a crash, and no answer by the deadline a hang.
///
/// ```
/// use pgtls_conformance::{Written, judge::Conformance, runner::*, shim::*};
/// # async fn run_query(_: Stream, request: &Connect) -> Result<Vec<Vec<String>>, std::io::Error> {
/// #     Err(std::io::Error::other(request.user.clone()))
/// # }
///
/// struct MyDriver;
///
/// impl Driver for MyDriver {
///     fn hello(&self) -> Hello {
///         let sslmode = Written::read_all(&["disable"]);
///         let supports = Supports { sslmode, ..Supports::default() };
///         Hello { supports, ..Hello::new("my-driver", "1.0") }
///     }
///
///     async fn connect(&self, request: &Connect, network: &Network) -> Outcome {
///         if request.sslmode.as_deref() != Some("disable") {
///             return Outcome::unsupported("no such sslmode");
///         }
///         let queried = async { run_query(network.dial().await?, request).await };
///         match queried.await {
///             Ok(rows) => Outcome::Connected { tls: Some(false), rows },
///             Err(error) => Outcome::failed("io", &error),
///         }
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let environment = TestEnvironment::new("7".parse()?)?;
/// let stack = StackSpec::in_process("my-driver", MyDriver);
/// let subject = Subject::probe(&stack, &environment).await;
/// assert_eq!(subject.could_not_run(), None);
/// let run = subject.try_scenario(&"sslmode=disable".parse()?, &[]).await;
/// // It dials, and says no more.
/// assert_eq!(run.result.conformance, Conformance::Stricter, "{:?}", run.result.reason);
/// # Ok(())
/// # }
/// ```
pub trait Driver: Send + Sync + 'static {
    /// Who the driver is and what can be asked of it.
    fn hello(&self) -> Hello;

    /// One connect call: connects over the network, runs the query, closes.
    fn connect(&self, request: &Connect, network: &Network)
    -> impl Future<Output = Outcome> + Send;
}

/// A driver that a run's threads share.
#[derive(Clone)]
pub(super) struct SharedDriver(Arc<dyn Boxed>);

/// The same trait with a future that has a size.
trait Boxed: Send + Sync {
    fn hello(&self) -> Hello;
    fn connect<'a>(&'a self, request: &'a Connect, network: &'a Network) -> BoxFuture<'a, Outcome>;
}

impl<D: Driver> Boxed for D {
    fn hello(&self) -> Hello {
        Driver::hello(self)
    }

    fn connect<'a>(&'a self, request: &'a Connect, network: &'a Network) -> BoxFuture<'a, Outcome> {
        Box::pin(Driver::connect(self, request, network))
    }
}

impl SharedDriver {
    pub(super) fn new(driver: impl Driver) -> Self {
        Self(Arc::new(driver))
    }

    pub(super) fn hello(&self) -> Hello {
        self.0.hello()
    }

    pub(super) async fn connect(&self, request: &Connect, network: &Network) -> Outcome {
        self.0.connect(request, network).await
    }
}

impl fmt::Debug for SharedDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedDriver")
    }
}

/// One driver is itself alone.
impl PartialEq for SharedDriver {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for SharedDriver {}
