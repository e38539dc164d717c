//! The bounds: each is driven to its end, and what happens beyond is what the table in
//! `docs/mock-server.md` says. Nobody but the client that goes too far pays for it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    process::{Command, Stdio},
    time::Duration,
};

use pgtls_mock_server::{
    Builder, MockServer, Observation,
    axes::{Auth, Reply},
    pki::Authority,
    transcript::{EntryKind, Proof, Sender},
};
use support::*;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Set in the process that is a server with few descriptors.
const FEW: &str = "PGTLS_TEST_HAS_FEW_DESCRIPTORS";

fn trusting() -> Builder {
    server().auth(Auth::Trust)
}

/// A session after its login.
async fn session(server: &MockServer) -> Raw {
    let mut client = Raw::connect(server).await;
    client.send(&startup("any")).await;
    assert_eq!(answers(&mut client).await.last().unwrap(), "Z");
    client
}

/// What is answered up to ReadyForQuery or the end: each message's tag, with the code of an error.
async fn answers(client: &mut Raw) -> Vec<String> {
    let mut answers = Vec::new();
    loop {
        let Ok(tag) = within(client.0.read_u8()).await else { return answers };
        let size = within(client.0.read_u32()).await.unwrap() as usize - 4;
        let mut body = vec![0; size];
        within(client.0.read_exact(&mut body)).await.unwrap();
        let code = body.split(|&byte| byte == 0).find_map(|field| field.strip_prefix(b"C"));
        answers.push(match (tag, code) {
            (b'E', Some(code)) => format!("E {}", code.escape_ascii()),
            _ => char::from(tag).to_string(),
        });
        if tag == b'Z' {
            return answers;
        }
    }
}

/// Sends while the answers are read: neither end waits for the other.
async fn ask(client: &mut Raw, bytes: &[u8]) -> Vec<String> {
    client.send(bytes).await;
    answers(client).await
}

fn query(sql: &str) -> Vec<u8> {
    message(b'Q', &[sql.as_bytes(), &[0]].concat())
}

fn parse(name: &str, sql: &str) -> Vec<u8> {
    message(b'P', &[name.as_bytes(), &[0], sql.as_bytes(), &[0, 0, 0]].concat())
}

fn bind(portal: &str, statement: &str) -> Vec<u8> {
    let names = [portal.as_bytes(), &[0], statement.as_bytes(), &[0]].concat();
    message(b'B', &[&names[..], &[0; 6]].concat())
}

fn sync() -> Vec<u8> {
    message(b'S', b"")
}

fn codes(answers: &[String]) -> Vec<&str> {
    answers.iter().filter_map(|answer| answer.strip_prefix("E ")).collect()
}

/// An honest session from its beginning to its end.
async fn is_served(server: &MockServer) {
    let mut client = session(server).await;
    assert_eq!(ask(&mut client, &query("SELECT 1")).await, ["T", "D", "C", "Z"]);
    assert_eq!(ask(&mut client, &[parse("", "SELECT 1"), sync()].concat()).await, ["1", "Z"]);
}

#[tokio::test]
async fn a_target_list_has_as_many_columns_as_in_postgresql() {
    let server = trusting().start().await.unwrap();
    let mut client = session(&server).await;
    let list = |count: usize| format!("select {}1", "1,".repeat(count - 1));
    assert_eq!(ask(&mut client, &query(&list(1664))).await, ["T", "D", "C", "Z"]);
    assert_eq!(ask(&mut client, &query(&list(1665))).await, ["E 54011", "Z"]);
    let prepare = [parse("s", &list(1665)), sync()].concat();
    assert_eq!(ask(&mut client, &prepare).await, ["E 54011", "Z"]);
}

#[tokio::test]
async fn a_text_a_row_and_an_answer_have_an_end() {
    let server = trusting().start().await.unwrap();
    let mut client = session(&server).await;
    let words = format!("select 1 where {}", "a ".repeat(33_000));
    assert_eq!(ask(&mut client, &query(&words)).await, ["E 54000", "Z"]);
    let row = format!("select '{}'", "x".repeat(300_000));
    assert_eq!(ask(&mut client, &query(&row)).await, ["E 54000", "Z"]);
    let row = format!("select '{}'", "x".repeat(200_000));
    assert_eq!(ask(&mut client, &query(&row)).await, ["T", "D", "C", "Z"]);
    // Only what is asked for in one message counts together.
    let rows = format!("select '{}';", "x".repeat(200)).repeat(3000);
    assert_eq!(codes(&ask(&mut client, &query(&rows)).await), [""; 0]);
    let all = "show all;".repeat(100_000);
    let (mut read, mut write) = client.0.split();
    let all = query(&all);
    let mut last = Vec::new();
    let read = async {
        let mut bytes = vec![0; 1 << 16];
        while !last.ends_with(b"Z\0\0\0\x05I") {
            let count = read.read(&mut bytes).await.unwrap();
            assert_ne!(count, 0);
            last.extend_from_slice(&bytes[..count]);
        }
    };
    within(async { tokio::join!(read, async { write.write_all(&all).await.unwrap() }) }).await;
    assert!((4 << 20..5 << 20).contains(&last.len()), "{}", last.len());
    assert!(last.windows(6).any(|field| field == b"C54000"));
}

#[tokio::test]
async fn what_a_session_remembers_is_paid_for_and_given_back() {
    let memory = 1 << 20;
    let server = trusting().connection_memory(memory).start().await.unwrap();
    let mut client = session(&server).await;
    let remember = |number: usize| {
        [
            ("a statement", [parse(&format!("s{number}"), "select $65535"), sync()].concat()),
            ("a savepoint", query(&format!("savepoint s{number}"))),
            ("a portal", [bind(&format!("{number}{}", "p".repeat(90_000)), "s"), sync()].concat()),
            ("a parameter", query(&format!("set x{number} = '{}'", "v".repeat(9_000)))),
        ]
    };
    assert_eq!(ask(&mut client, &query("begin")).await, ["C", "Z"]);
    assert_eq!(ask(&mut client, &[parse("s", "select 1"), sync()].concat()).await, ["1", "Z"]);
    for kind in [0, 2] {
        let mut refused = None;
        for number in 0..1000 {
            let (name, bytes) = remember(number).into_iter().nth(kind).unwrap();
            let answers = ask(&mut client, &bytes).await;
            if let [code] = codes(&answers)[..] {
                assert_eq!(code, "53200", "{name}");
                refused = Some(number);
                break;
            }
        }
        // Each holds tens of kilobytes.
        assert!(refused.is_some_and(|number| (3..20).contains(&number)), "{kind}: {refused:?}");
        let forget = if kind == 0 { "rollback; deallocate all; begin" } else { "rollback; begin" };
        assert_eq!(codes(&ask(&mut client, &query(forget)).await), [""; 0]);
        let again = [parse("s", "select 1"), sync()].concat();
        assert!(codes(&ask(&mut client, &again).await).iter().all(|code| *code == "42P05"));
    }
    ask(&mut client, &query("rollback; begin")).await;
    // Those are bounded by their number, or all together, before.
    for kind in [1, 3] {
        let mut count = 0;
        while let (_, bytes) = remember(count).into_iter().nth(kind).unwrap()
            && codes(&ask(&mut client, &bytes).await).is_empty()
        {
            count += 1;
        }
        assert!((10..=1000).contains(&count), "{kind}: {count}");
        ask(&mut client, &query("rollback; begin")).await;
    }
    drop(client);
    is_served(&server).await;
}

#[tokio::test]
async fn what_one_connection_takes_the_others_do_not_pay_for() {
    let server = trusting().memory(1 << 20).start().await.unwrap();
    let mut greedy = session(&server).await;
    let mut count = 0;
    loop {
        let prepare = [parse(&format!("s{count}"), "select $65535"), sync()].concat();
        if codes(&ask(&mut greedy, &prepare).await) == ["53200"] {
            break;
        }
        count += 1;
    }
    assert!(count <= 4, "{count} statements of 262 KB each");
    for _ in 0..3 {
        is_served(&server).await;
    }
    // A long message is one that there is no room for; the session of whoever sends it ends.
    let mut second = session(&server).await;
    let long = query(&format!("select '{}'", "x".repeat(900_000)));
    let refused = async {
        let _ = second.0.write_all(&long).await;
        answers(&mut second).await
    };
    assert_eq!(within(refused).await, ["E 53200"]);
    drop(greedy);
    // Its end comes a moment later.
    within(async {
        loop {
            let mut third = session(&server).await;
            let text = format!("select '{}'", "x".repeat(200_000));
            third.send(&query(&text)).await;
            if codes(&answers(&mut third).await).is_empty() {
                return;
            }
        }
    })
    .await;
}

/// The cells of a matrix each have a server; what its clients cost is bounded all the same.
#[tokio::test]
async fn servers_of_one_authority_share_their_memory() {
    let own = Authority::generate().unwrap();
    let start = || {
        let builder = MockServer::builder().authority(own.clone()).auth(Auth::Trust);
        builder.connection_memory(usize::MAX).start()
    };
    let (first, second) = (start().await.unwrap(), start().await.unwrap());
    let prepare = |number: usize| [parse(&format!("s{number}"), "select $65535"), sync()].concat();
    let mut greedy = session(&first).await;
    let mut count = 0;
    while codes(&ask(&mut greedy, &prepare(count)).await).is_empty() {
        count += 1;
    }
    assert!((38..=48).contains(&count), "{count} statements of 262 KB each");
    is_served(&first).await;
    is_served(&second).await;
    let mut other = session(&second).await;
    assert_eq!(ask(&mut other, &prepare(0)).await, ["E 53200", "Z"]);
}

#[tokio::test]
async fn who_does_not_read_is_not_worked_for_and_is_left_as_idle() {
    let server = trusting().idle(Duration::from_millis(300)).start().await.unwrap();
    let mut client = session(&server).await;
    let ask = query("show all").repeat(20_000);
    // More than the sockets' buffers hold, in both directions.
    let _ = within(client.0.write_all(&ask)).await;
    until(&server, |seen| said(seen, &EntryKind::TimedOut)).await;
    is_served(&server).await;
}

fn said(seen: &Observation, what: &EntryKind) -> bool {
    entered(seen, |entered| entered == what)
}

#[tokio::test]
async fn an_idle_session_is_told_so() {
    let server = trusting().idle(Duration::from_millis(50)).start().await.unwrap();
    let mut client = session(&server).await;
    assert_eq!(answers(&mut client).await, ["E 57P05"]);
    let mut silent = Raw::connect(&server).await;
    assert_eq!(silent.read_to_end().await, b"");
    let proof = self::server().idle(Duration::from_millis(50)).start().await.unwrap();
    let mut asked = Raw::connect(&proof).await;
    assert_eq!(ask(&mut asked, &startup("any")).await, ["R"]);
    let seen = finish(server).await;
    assert!(said(&seen, &EntryKind::TimedOut));
    // Whoever is not idle stays.
    let server = trusting().idle(Duration::from_secs(2)).start().await.unwrap();
    let mut client = session(&server).await;
    for _ in 0..30 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(self::ask(&mut client, &sync()).await, ["Z"]);
    }
}

#[tokio::test]
async fn more_than_so_many_connections_are_refused_and_later_ones_served() {
    let server = trusting().simultaneous(2).start().await.unwrap();
    let (first, _second) = (session(&server).await, session(&server).await);
    let mut third = Raw::connect(&server).await;
    assert_eq!(ask(&mut third, &startup("any")).await, ["E 53300"]);
    // Also inside of TLS, and where the proof would be asked for first.
    let mut fourth = Raw::connect(&server).await.tls(true).await.unwrap();
    fourth.send(&startup("any")).await;
    assert!(fourth.read_message().await.1.windows(6).any(|field| field == b"C53300"));
    drop((third, fourth, first));
    within(async {
        loop {
            let mut next = Raw::connect(&server).await;
            if ask(&mut next, &startup("any")).await.last().unwrap() == "Z" {
                return;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_transcript_keeps_what_decides_and_counts_the_rest() {
    let server = server().auth(Auth::Password).memory(64 * 1024).start().await.unwrap();
    // One that fills all the memory there is.
    let mut greedy = Raw::connect(&server).await;
    let password = [pgtls_mock_server::DEFAULT_PASSWORD.as_bytes(), &[0]].concat();
    greedy.send(&[startup("any"), message(b'p', &password)].concat()).await;
    answers(&mut greedy).await;
    // One answer for the login's end, and one for each Sync.
    greedy.send(&sync().repeat(5000)).await;
    for _ in 0..5000 {
        answers(&mut greedy).await;
    }
    // Its query is a fact all the same, and so is the password of another, in clear.
    assert_eq!(ask(&mut greedy, &query("SELECT 1")).await, ["T", "D", "C", "Z"]);
    let mut other = Raw::connect(&server).await;
    other.send(&[startup("any"), message(b'p', &password)].concat()).await;
    answers(&mut other).await;
    drop((greedy, other));
    let seen = finish(server).await;
    assert!(seen.connections[0].forgotten > 1000);
    assert!(said(&seen, &EntryKind::Query("SELECT 1".to_owned())));
    assert_eq!(seen.connections[1].forgotten, 0);
    let proof = EntryKind::Proof(Proof::Password { right: true });
    let proven = |entry: &&pgtls_mock_server::transcript::Entry| {
        entry.what == proof && !entry.encrypted && entry.sender == Sender::Client
    };
    assert!(seen.connections[1].entries.iter().any(|entry| proven(&entry)));
    assert_eq!(seen.trace.to_string(), "connect, authok, reconnect, authok -> plain");
}

#[tokio::test]
async fn a_long_startup_message_and_many_of_them_are_counted() {
    let server = server().start().await.unwrap();
    let mut body = (3_u32 << 16).to_be_bytes().to_vec();
    body.extend(b"user\0any\0");
    body.extend(b"a\0\0".repeat(3300));
    body.push(0);
    let long = [&u32::try_from(body.len() + 4).unwrap().to_be_bytes()[..], &body].concat();
    let mut client = Raw::connect(&server).await;
    client.send(&SSL_REQUEST).await;
    assert_eq!(client.read().await, *b"S");
    client.send(&long.repeat(10)).await;
    client.0.shutdown().await.unwrap();
    assert_eq!(client.read_to_end().await, b"");
    let seen = finish(server).await;
    let connection = &seen.connections[0];
    let startups: Vec<_> = connection
        .entries
        .iter()
        .filter_map(|entry| match &entry.what {
            EntryKind::Startup { parameters, .. } => Some(parameters.len()),
            _ => None,
        })
        .collect();
    assert_eq!(startups, [64; 10]);
    assert_eq!(connection.forgotten, 10 * (3301 - 64));
    assert_eq!(connection.clear_from_client.len(), 64 * 1024);
    let missing = SSL_REQUEST.len() + 10 * long.len() - 64 * 1024;
    assert_eq!(connection.clear_forgotten, missing as u64);
}

#[tokio::test]
async fn a_wordy_hello_is_cut_and_counted() {
    let server = server().reply(Reply::TlsClose).start().await.unwrap();
    let names = [1, b'x'].repeat(5_000);
    let list = [&u16::try_from(names.len()).unwrap().to_be_bytes()[..], &names].concat();
    let alpn = [&[0, 16][..], &u16::try_from(list.len()).unwrap().to_be_bytes(), &list].concat();
    let extensions = [&u16::try_from(alpn.len()).unwrap().to_be_bytes()[..], &alpn].concat();
    let body = [&[3, 3][..], &[7; 32], &[0], &[0, 2, 0x13, 1], &[1, 0], &extensions].concat();
    let size = u32::try_from(body.len()).unwrap().to_be_bytes();
    let hello = [&[1][..], &size[1..], &body].concat();
    let record = [&[22, 3, 1][..], &u16::try_from(hello.len()).unwrap().to_be_bytes(), &hello];
    let mut client = Raw::connect(&server).await;
    client.send(&SSL_REQUEST).await;
    assert_eq!(client.read().await, *b"S");
    client.send(&record.concat()).await;
    client.read_to_end().await;
    drop(client);
    let seen = finish(server).await;
    let connection = &seen.connections[0];
    assert_eq!(connection.tls.as_ref().unwrap().alpn_offered.len(), 32);
    assert_eq!(connection.forgotten, 5_000 - 32);
}

/// Connections that end wait for whoever listens, but not without end.
#[tokio::test]
async fn who_listens_and_takes_nothing_is_told_how_much_is_missing() {
    let server = server().reply(Reply::Refuse).history(4).start().await.unwrap();
    let mut listener = server.subscribe();
    for _ in 0..1100 {
        drop(Raw::connect(&server).await);
    }
    // All have ended.
    let mut last = Raw::connect(&server).await;
    last.send(&SSL_REQUEST).await;
    assert_eq!(last.read().await, *b"N");
    drop(last);
    let mut others = server.subscribe();
    drop(server.finish(TIMEOUT).await);
    let first = within(listener.next()).await.unwrap();
    // 1101 ended, and 1024 wait.
    assert_eq!(first.forgotten, 77);
    let mut told = 1;
    while let Some(ended) = within(listener.next()).await {
        assert_eq!(ended.forgotten, 0);
        told += 1;
    }
    assert_eq!(told, 1024);
    while within(others.next()).await.is_some() {}
}

/// The heaviest transcripts lose their chatter first, and honest ones nothing.
#[tokio::test]
async fn ended_connections_leave_room_for_those_that_are_open() {
    let memory = 2 << 20;
    let server = trusting().memory(memory).start().await.unwrap();
    for greedy in [false, true, true, true, false] {
        let mut client = session(&server).await;
        if greedy {
            client.send(&sync().repeat(4000)).await;
            for _ in 0..4000 {
                answers(&mut client).await;
            }
        }
        assert_eq!(ask(&mut client, &query("SELECT 1")).await, ["T", "D", "C", "Z"]);
        client.send(&message(b'X', b"")).await;
        assert_eq!(client.read_to_end().await, b"");
    }
    let seen = finish(server).await;
    assert_eq!(seen.forgotten, 0);
    assert_eq!((seen.connections[0].forgotten, seen.connections[4].forgotten), (0, 0));
    assert!(seen.connections[1..4].iter().any(|it| it.forgotten > 0));
    let asked = |it: &pgtls_mock_server::transcript::Connection| {
        it.entries.iter().any(|entry| matches!(entry.what, EntryKind::Query(_)))
    };
    assert!(seen.connections.iter().all(asked));
}

/// A server whose process may open few files; without the variable, nothing.
#[test]
fn server_with_few_descriptors() {
    if std::env::var_os(FEW).is_none() {
        return;
    }
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let server = MockServer::builder().auth(Auth::Trust).start().await.unwrap();
        println!("\nlistening {}", server.address());
        let ended = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
        ended.await.unwrap().unwrap();
    });
}

#[tokio::test]
async fn without_descriptors_clients_wait_and_the_log_says_so_once() {
    let mut child = Command::new("sh")
        .args(["-c", "ulimit -n 40 && exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["server_with_few_descriptors", "--exact", "--nocapture"])
        .env(FEW, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let address: SocketAddr = lines
        .find_map(|line| line.unwrap().strip_prefix("listening ").map(|it| it.parse().unwrap()))
        .unwrap();
    let mut greedy = Vec::new();
    for _ in 0..60 {
        greedy.push(within(TcpStream::connect(address)).await.unwrap());
    }
    let mut late = Raw(within(TcpStream::connect(address)).await.unwrap());
    late.send(&startup("any")).await;
    let silent = tokio::time::timeout(Duration::from_secs(1), late.0.read_u8()).await;
    assert!(silent.is_err(), "no descriptor is free");
    drop(greedy);
    assert_eq!(answers(&mut late).await.last().unwrap(), "Z");
    drop(child.stdin.take());
    let log = child.wait_with_output().unwrap();
    let log = String::from_utf8_lossy(&log.stderr);
    assert_eq!(log.matches("cannot accept").count(), 1, "{log}");
}
