//! Scenarios as a fuzzer tries them: a client's settings, a server's script, and what the server must have
//! seen, lest something else be measured.

use futures_util::{StreamExt as _, stream};
use pgtls::stacks::BuiltIn;
use pgtls_conformance::{
    axes::Axes,
    runner::{ServerBehaviour, StackSpec, Subject},
};
use pgtls_mock_server::script::Script;

/// The connector's two backends.
pub(crate) const BACKENDS: [BuiltIn; 2] = [BuiltIn::PgtlsRustls, BuiltIn::PgtlsNativeTls];
/// How many scenarios are begun before the first of them has ended: as many as a fuzzer has at hand.
const AT_A_TIME: usize = 256;

/// A scenario, and the trace that it leaves, where that is to be seen to.
#[derive(Debug)]
pub(crate) struct Scenario {
    axes: Axes,
    server: ServerBehaviour,
    trace: Option<&'static str>,
}

/// Servers over which a client that demands TLS is done before there is any.
pub(crate) fn before_tls() -> Vec<Scenario> {
    let answers = [
        (r#"{"send": [{"text": "?"}]}"#, "connect, sslreject -> fail"),
        (r#"{"send": [{"text": "N"}]}"#, "connect, sslreject -> fail"),
        (r#"{"send": [{"error_response": {}}]}, "close""#, "connect, backenderror -> fail"),
        (r#""close""#, "connect -> fail"),
    ];
    let scenario = |(steps, trace)| {
        let script = format!(r#"{{"connections": [{{"ssl_request": [{steps}]}}]}}"#);
        Scenario::new("sslmode=require", &script, Some(trace))
    };
    answers.map(scenario).into()
}

/// A whole session with an honest server: chain and name verified, a cleartext password, the query.
pub(crate) fn logins() -> Vec<Scenario> {
    vec![Scenario::new(
        "sslmode=verify-full,sslrootcert=right",
        "{}",
        Some("connect, sslaccept, authok -> ssl"),
    )]
}

impl Scenario {
    /// A scenario of these axes and this script.
    ///
    /// # Panics
    ///
    /// If they are none.
    pub(crate) fn new(axes: &str, script: &str, trace: Option<&'static str>) -> Self {
        let script = Script::from_json(script).unwrap_or_else(|error| panic!("{script}: {error}"));
        let axes = axes.parse().expect("axes");
        Self { axes, server: ServerBehaviour::scripted(script), trace }
    }

    /// Tries it.
    ///
    /// # Panics
    ///
    /// If the server saw something else.
    async fn run(&self, subject: &Subject<'_>) {
        let run = subject.try_server(&self.axes, &self.server, &[]).await;
        if let Some(trace) = self.trace {
            assert_eq!(run.observation.trace.to_string(), trace, "{:?}", run.result);
        }
        assert_eq!(run.result.safety, [], "{:?}", run.result);
    }
}

/// A stack in this process.
pub(crate) fn in_process(stack: BuiltIn) -> StackSpec {
    stack.in_process().expect("a stack in Rust")
}

/// Tries so many scenarios, in turn of each of the subjects, many at once.
pub(crate) async fn run(subjects: &[&Subject<'_>], scenarios: &[Scenario], count: u64) {
    let subjects = subjects.iter().cycle();
    let scenarios = scenarios.iter().flat_map(|scenario| [scenario, scenario]).cycle();
    let all = subjects.zip(scenarios).take(usize::try_from(count).expect("a count"));
    let tried = stream::iter(all).map(|(subject, scenario)| scenario.run(subject));
    tried.buffer_unordered(AT_A_TIME).collect::<()>().await;
}
