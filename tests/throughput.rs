//! How many questions a second a stack is asked over the shim contract. No test: a figure for whoever
//! changes what is on the way, by
//! `PGTLS_STACKS=psycopg,pgx cargo test --release --test throughput -- --ignored --nocapture`.

#[path = "support/installed.rs"]
mod installed;
mod support;

use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeValLike as _,
};
use pgtls_conformance::{
    axes::Axes,
    judge::Conformance,
    runner::{ServerBehaviour, Subject, TestEnvironment},
    shim::ColumnType,
};

/// So many are asked before it counts: processes have started then, and code that is compiled as it runs
/// is compiled.
const BEFORE: usize = 500;
const COUNTED: usize = 3000;
/// As many futures as a fuzzer has under way.
const AT_ONCE: usize = 1024;

/// An honest server, one that is silent for two of a hundred questions, and one that is for one in ten.
const SILENT: [usize; 3] = [usize::MAX, 50, 10];

fn processor_time(whose: UsageWho) -> Duration {
    let usage = getrusage(whose).expect("what was used");
    let time = usage.user_time() + usage.system_time();
    Duration::from_micros(time.num_microseconds().cast_unsigned())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn questions_a_second() {
    let names =
        std::env::var("PGTLS_STACKS").unwrap_or_else(|_| "psycopg,pgx,node-postgres".into());
    let environment = TestEnvironment::new(support::seed()).expect("a test environment");
    let axes: Axes = "sslmode=require,sslrootcert=right".parse().expect("axes");
    let mut before = processor_time(UsageWho::RUSAGE_CHILDREN);
    let silent: Axes = "reply=tls-silent,sslmode=require,sslrootcert=right".parse().expect("axes");
    for spec in names.split(',').filter_map(installed::stack) {
        for every in SILENT {
            let subject = Subject::probe(&spec, &environment).await.with_jobs(6);
            assert_eq!(subject.could_not_run(), None);
            let (subject, axes, silent) = (&subject, &axes, &silent);
            let ask = async |number: usize| {
                let axes = if number % every == every - 1 { silent } else { axes };
                let server = ServerBehaviour::of(axes);
                let run = subject.try_server(axes, &server, &[ColumnType::Int4]).await;
                run.result.conformance == Conformance::Agrees
            };
            stream::iter(0..BEFORE).map(ask).buffer_unordered(AT_ONCE).count().await;
            let (started, own) = (Instant::now(), processor_time(UsageWho::RUSAGE_SELF));
            let agree = stream::iter(0..COUNTED)
                .map(ask)
                .buffer_unordered(AT_ONCE)
                .filter(|agrees| std::future::ready(*agrees))
                .count()
                .await;
            let rate = COUNTED as f64 / started.elapsed().as_secs_f64();
            let own = processor_time(UsageWho::RUSAGE_SELF) - own;
            let late = subject.settle().await;
            // Those that have ended meanwhile, their starts included.
            let all = processor_time(UsageWho::RUSAGE_CHILDREN);
            let clients = all - std::mem::replace(&mut before, all);
            println!(
                "{}: {rate:.0}/s, {} of {COUNTED} silent, {agree} agree; processor time of each: \
                 {:.2} ms here, {:.2} ms in clients",
                spec.name(),
                COUNTED / every,
                own.as_secs_f64() * 1e3 / COUNTED as f64,
                clients.as_secs_f64() * 1e3 / (BEFORE + COUNTED) as f64,
            );
            assert!(late.is_empty(), "{late:?}");
        }
    }
}
