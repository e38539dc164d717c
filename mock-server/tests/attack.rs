//! The server under attack: whatever comes, in whatever pieces, at whatever stage, it neither
//! panics nor hangs, and leaves no task and no socket behind.
//!
//! `PGTLS_ATTACK_SECONDS` says for how long noise is made; without it, for a moment.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    path::Path,
    sync::{
        Mutex, MutexGuard, Once, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use pgtls_harness::{Seed, rules::RuleSpec};
use pgtls_mock_server::{
    axes::{Auth, Reply, ServerAxes, TlsVersions},
    transcript::EntryKind,
};
use proptest::{collection::vec, prelude::*, strategy::ValueTree as _, test_runner::TestRunner};
use support::*;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout,
};

/// Long enough for a handshake on a busy machine, short enough for many cases.
const DEADLINE: Duration = Duration::from_secs(5);

/// How far an attacker plays by the rules.
#[derive(Debug, Clone, Copy)]
enum Stage {
    Start,
    AfterRequest,
    BehindClientHello,
    InsideTls,
    Login,
    LoginInsideTls,
    Session,
    SessionInsideTls,
}

const STAGES: [Stage; 8] = [
    Stage::Start,
    Stage::AfterRequest,
    Stage::BehindClientHello,
    Stage::InsideTls,
    Stage::Login,
    Stage::LoginInsideTls,
    Stage::Session,
    Stage::SessionInsideTls,
];

/// How an attacker leaves.
#[derive(Debug, Clone, Copy)]
enum Leave {
    /// FIN, then reads to the end.
    Politely,
    /// Without reading what came.
    Abruptly,
    /// It does not.
    Stay,
}

/// Bytes: noise, noise in the shape of messages, and true first packets.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let body = vec(any::<u8>(), 0..60);
    prop_oneof![
        3 => vec(any::<u8>(), 1..80),
        3 => (prop::sample::select(b"pQPBDECSHXdcfF?".to_vec()), body.clone())
            .prop_map(|(tag, body)| message(tag, &body)),
        1 => (any::<u8>(), any::<u32>(), body.clone())
            .prop_map(|(tag, size, body)| [&[tag][..], &size.to_be_bytes(), &body].concat()),
        3 => (prop::sample::select(b"pQPBDECSHXdcfFR?".to_vec()), lie(), vec(any::<u8>(), 0..3000))
            .prop_map(|(tag, lie, body)| {
                let size = u32::try_from(body.len() + 4).unwrap().wrapping_add_signed(lie);
                [&[tag][..], &size.to_be_bytes(), &body].concat()
            }),
        2 => (lie(), vec(any::<u8>(), 4..3000)).prop_map(|(lie, body)| {
            let size = u32::try_from(body.len() + 4).unwrap().wrapping_add_signed(lie);
            [&size.to_be_bytes()[..], &[0, 3, 0, 0], &body[4..]].concat()
        }),
        1 => (8..40_u32, body)
            .prop_map(|(size, body)| [&size.to_be_bytes()[..], &body].concat()),
        1 => prop::sample::select(vec![
            SSL_REQUEST.to_vec(),
            GSSENC_REQUEST.to_vec(),
            CANCEL_REQUEST.to_vec(),
            startup("any"),
            message(b'p', b"wrong\0"),
            message(b'Q', b"SELECT 1; SELECT 2\0"),
            message(b'P', b"s\0SELECT 1\0\0\0"),
            message(b'B', b"\0s\0\0\0\0\0\0\0"),
            message(b'E', b"\0\0\0\0\0"),
            message(b'S', b""),
            vec![22, 3, 1, 0, 5, 1, 0, 0, 1, 3],
            vec![21, 3, 3, 0, 2, 2, 48],
            vec![23, 3, 3, 0, 4, 1, 2, 3, 4],
        ]),
    ]
}

/// By how much a length is wrong: not at all, a little, by about the longest message, by anything.
fn lie() -> impl Strategy<Value = i32> {
    prop_oneof![3 => Just(0), 3 => -9..9_i32, 1 => 9_000..11_000_i32, 1 => 1_040_000..1_060_000_i32, 1 => any::<i32>()]
}

fn axes() -> impl Strategy<Value = ServerAxes> {
    let reply = prop_oneof![
        2 => Just(Reply::Accept),
        1 => prop::sample::select(Reply::ALL.to_vec()),
    ];
    let auth = prop::sample::select(Auth::ALL.to_vec());
    let tls = prop::sample::select(TlsVersions::ALL.to_vec());
    (reply, auth, tls).prop_map(|(reply, auth, tls)| ServerAxes {
        reply,
        auth,
        tls,
        ..ServerAxes::default()
    })
}

/// Nothing that changes what the client gets: the server does not see that, and rustls 0.23, where it
/// is built with debug assertions, panics at a broken record that comes behind its own close_notify.
fn rules() -> impl Strategy<Value = Vec<RuleSpec>> {
    let at = 0..600_u64;
    let range = (at.clone(), 0..600_u16);
    let seed = any::<u64>().prop_map(Seed::new);
    vec(
        prop_oneof![
            vec(at.clone(), 0..6).prop_map(|at| RuleSpec::SplitInbound { at }),
            vec(at.clone(), 0..6).prop_map(|at| RuleSpec::SplitOutbound { at }),
            at.clone().prop_map(|at| RuleSpec::DelayInbound { at, milliseconds: 1 }),
            at.clone().prop_map(|at| RuleSpec::DelayOutbound { at, milliseconds: 1 }),
            at.clone().prop_map(|at| RuleSpec::TruncateInbound { at }),
            at.clone().prop_map(|at| RuleSpec::TruncateOutbound { at }),
            at.clone().prop_map(|at| RuleSpec::ResetInbound { at }),
            at.clone().prop_map(|at| RuleSpec::ResetOutbound { at }),
            at.clone().prop_map(|at| RuleSpec::HalfCloseOutbound { at }),
            at.clone().prop_map(|at| RuleSpec::HalfCloseInbound { at }),
            (at.clone(), any::<u8>()).prop_map(|(at, xor)| RuleSpec::CorruptInbound { at, xor }),
            range.clone().prop_map(|(at, length)| RuleSpec::DuplicateInbound { at, length }),
            range.clone().prop_map(|(at, length)| RuleSpec::CoalesceInbound { at, length }),
            range.prop_map(|(at, length)| RuleSpec::CoalesceOutbound { at, length }),
            seed.clone().prop_map(|seed| RuleSpec::JitterInbound { seed, most_milliseconds: 1 }),
            seed.prop_map(|seed| RuleSpec::JitterOutbound { seed, most_milliseconds: 1 }),
        ],
        0..2,
    )
}

/// Plays by the rules up to `stage`, as far as the server does, then sends `pieces`.
async fn attack(client: Raw, stage: Stage, pieces: &[Vec<u8>], leave: Leave) {
    let mut client = client;
    let encrypted =
        matches!(stage, Stage::InsideTls | Stage::LoginInsideTls | Stage::SessionInsideTls);
    if matches!(stage, Stage::AfterRequest | Stage::BehindClientHello) || encrypted {
        let _ = client.0.write_all(&SSL_REQUEST).await;
        let _ = timeout(Duration::from_millis(100), client.0.read_u8()).await;
    }
    if matches!(stage, Stage::BehindClientHello) {
        let _ = client.0.write_all(&[22, 3, 1, 0, 5, 1, 0, 0, 1, 3]).await;
    }
    if encrypted {
        if let Ok(Ok(client)) = timeout(Duration::from_secs(1), client.tls(true)).await {
            noise(client.0, stage, pieces, leave).await;
        }
    } else {
        noise(client.0, stage, pieces, leave).await;
    }
}

async fn noise<S>(mut stream: S, stage: Stage, pieces: &[Vec<u8>], leave: Leave)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let login = matches!(
        stage,
        Stage::Login | Stage::LoginInsideTls | Stage::Session | Stage::SessionInsideTls
    );
    if login {
        let _ = stream.write_all(&startup("any")).await;
    }
    if matches!(stage, Stage::Session | Stage::SessionInsideTls) {
        // Right for `password`, out of turn for `trust`, and wrong for the others.
        let password = [pgtls_mock_server::DEFAULT_PASSWORD.as_bytes(), &[0]].concat();
        let _ = stream.write_all(&message(b'p', &password)).await;
    }
    for piece in pieces {
        if stream.write_all(piece).await.is_err() || stream.flush().await.is_err() {
            return;
        }
        tokio::task::yield_now().await;
    }
    match leave {
        Leave::Politely => {
            let _ = stream.shutdown().await;
            let _ = timeout(DEADLINE, stream.read_to_end(&mut Vec::new())).await;
        }
        Leave::Abruptly => {}
        Leave::Stay => {
            let _ = timeout(DEADLINE * 2, stream.read_to_end(&mut Vec::new())).await;
        }
    }
}

fn open_sockets() -> usize {
    std::fs::read_dir(Path::new("/proc/self/fd"))
        .map(|entries| {
            entries
                .filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
                .filter(|target| target.to_string_lossy().starts_with("socket:"))
                .count()
        })
        .unwrap_or_default()
}

fn cases(count: u32) -> ProptestConfig {
    ProptestConfig { cases: count, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn it_survives(
        axes in axes(),
        rules in rules(),
        attackers in vec(
            (
                prop::sample::select(STAGES.to_vec()),
                vec(piece(), 0..8),
                prop_oneof![Just(Leave::Politely), Just(Leave::Abruptly)],
            ),
            1..4,
        ),
    ) {
        let _alone = alone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let sockets = open_sockets();
            let server =
                server().axes(axes).rules(rules).deadline(DEADLINE).start().await.unwrap();
            let count = attackers.len();
            for (stage, pieces, leave) in attackers {
                let attack = attack(Raw::connect(&server).await, stage, &pieces, leave);
                timeout(DEADLINE * 2, attack).await.expect("an attack ends");
            }
            let tasks = tokio::runtime::Handle::current().metrics();
            let seen = timeout(DEADLINE * 2, server.finish(DEADLINE)).await;
            let seen = seen.expect("every connection ends within its deadline");
            assert_eq!(seen.trace.connections.len(), count);
            assert_eq!(tasks.num_alive_tasks(), 0);
            assert_eq!(open_sockets(), sockets);
            assert!(!panicked(), "a task panicked");
        });
    }
}

proptest! {
    #![proptest_config(cases(16))]

    /// A client that never leaves is left by the server when its time is over.
    #[test]
    fn it_leaves_those_who_stay(
        axes in axes(),
        stage in prop::sample::select(STAGES.to_vec()),
        pieces in vec(piece(), 0..4),
    ) {
        let _alone = alone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let deadline = Duration::from_millis(150);
            let server = server().axes(axes).deadline(deadline).start().await.unwrap();
            let client = Raw::connect(&server).await;
            let attacker =
                tokio::spawn(async move { attack(client, stage, &pieces, Leave::Stay).await });
            timeout(DEADLINE, attacker).await.expect("the server ends it").unwrap();
            timeout(DEADLINE, server.finish(DEADLINE)).await.expect("nothing is left");
            assert!(!panicked(), "a task panicked");
        });
    }
}

/// How many attack at a time.
const ATTACKERS: usize = 24;

/// What the process holds in memory, in bytes, where that can be asked.
fn resident() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<usize>().ok()? << 10)
}

/// Noise for a while, client and server on one thread: all of it ends, and memory stays flat.
#[test]
fn noise_leaves_nothing_behind() {
    let _alone = alone();
    let seconds = std::env::var("PGTLS_ATTACK_SECONDS").ok().and_then(|it| it.parse().ok());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut runner = TestRunner::new(cases(1));
    let attacker = (
        prop::sample::select(STAGES.to_vec()),
        vec(piece(), 0..12),
        prop_oneof![Just(Leave::Politely), Just(Leave::Abruptly)],
    );
    let (mut attackers, mut rest) = (0, None);
    let (begin, sockets) = (Instant::now(), open_sockets());
    let end = begin + Duration::from_secs(seconds.unwrap_or(3));
    runtime.block_on(async {
        let server = server().deadline(DEADLINE).start().await.unwrap();
        while Instant::now() < end {
            let axes = axes().new_tree(&mut runner).unwrap().current();
            server.set_axes(axes).unwrap();
            let mut attacks = tokio::task::JoinSet::new();
            for _ in 0..ATTACKERS {
                let (stage, pieces, leave) = attacker.new_tree(&mut runner).unwrap().current();
                let client = Raw::connect(&server).await;
                attacks.spawn(async move { attack(client, stage, &pieces, leave).await });
            }
            while let Some(attack) = within(attacks.join_next()).await {
                attack.expect("an attack ends");
            }
            assert!(!panicked(), "a task panicked: {axes:?}");
            attackers += ATTACKERS;
            // The history is full by then, and every library has been used.
            if rest.is_none() && begin.elapsed() > (end - begin) / 4 {
                rest = resident();
            }
        }
        timeout(DEADLINE * 2, server.finish(DEADLINE)).await.expect("nothing is left");
    });
    assert_eq!(open_sockets(), sockets);
    let grown = resident().zip(rest).map(|(now, rest)| now.saturating_sub(rest));
    println!("{attackers} attackers; at rest {rest:?} bytes, grown by {grown:?}");
    assert!(grown.is_none_or(|grown| grown < 16 << 20), "{grown:?}");
}

/// One message of 1 MiB makes no more than a few of them, and takes no more than a moment.
#[test]
fn a_long_text_is_answered_in_time() {
    let _alone = alone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let repeated = |each: &dyn Fn(usize) -> String| {
        let mut sql = String::new();
        for number in 0.. {
            let next = each(number);
            if sql.len() + next.len() > (1 << 20) - 100 {
                break;
            }
            sql += &next;
        }
        sql
    };
    let texts = [
        repeated(&|_| "show all;".to_owned()),
        repeated(&|number| format!("set a{number}=1;")),
        "begin;".to_owned() + &repeated(&|number| format!("savepoint s{number};")),
        format!("set application_name='{}'", "x".repeat((1 << 20) - 100)),
        repeated(&|_| ";".to_owned()),
        repeated(&|_| "select 1;".to_owned()),
        format!("select {}", "(".repeat((1 << 20) - 100)),
        format!("select '{}", "''".repeat((1 << 19) - 100)),
    ];
    runtime.block_on(async {
        let server = server().auth(Auth::Trust).start().await.unwrap();
        for sql in texts {
            let mut client = Raw::connect(&server).await;
            client.send(&startup("any")).await;
            let before = Instant::now();
            let query = message(b'Q', &[sql.as_bytes(), &[0]].concat());
            let bytes = [query, message(b'X', b"")].concat();
            let (mut read, mut write) = client.0.split();
            let mut answer = Vec::new();
            let both = async {
                tokio::join!(write.write_all(&bytes), read.read_to_end(&mut answer)).1.unwrap()
            };
            timeout(DEADLINE, both).await.unwrap_or_else(|_| panic!("{sql:.40}"));
            assert!(before.elapsed() < DEADLINE, "{sql:.40}: {:?}", before.elapsed());
            assert!(answer.len() < 8 << 20, "{sql:.40}: {}", answer.len());
        }
        let seen = timeout(DEADLINE, server.finish(DEADLINE)).await.unwrap();
        let kept = |what: &EntryKind| match what {
            EntryKind::Frontend { summary, .. } | EntryKind::Backend { summary, .. } => {
                summary.len()
            }
            _ => 0,
        };
        assert!(!entered(&seen, |what| kept(what) > 2000));
        assert!(!panicked(), "a task panicked");
    });
}

/// Sockets and panics are counted for the whole process: one test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    static WATCH: Once = Once::new();
    WATCH.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            // Where tokio catches a task's panic, this still knows of it.
            let in_library = info.location().is_some_and(|place| place.file().contains("src/"));
            PANICKED.fetch_or(in_library, Ordering::SeqCst);
            before(info);
        }));
    });
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

static PANICKED: AtomicBool = AtomicBool::new(false);

fn panicked() -> bool {
    PANICKED.load(Ordering::SeqCst)
}
