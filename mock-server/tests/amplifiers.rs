//! The process under amplifiers: whatever little a client sends to make the server hold, compute or
//! answer much, the server's memory stays within its bound, and an honest client beside is served.
//!
//! It takes as long as `PGTLS_ATTACK_SECONDS` says, and then the honest client's p99 is judged too;
//! without the variable it is a short look. The server is a process of its own, with one thread.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    io::{BufRead, BufReader, Lines, Read, Write},
    net::SocketAddr,
    process::{Child, ChildStdout, Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use pgtls_mock_server::{DEFAULT_PASSWORD, MockServer};
use support::*;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

/// Set in the process that is the server.
const SERVER: &str = "PGTLS_TEST_IS_SERVER";
/// How much the server may hold above its rest, in bytes.
const MOST: u64 = 64 << 20;
/// How long the honest client may wait for its one-hundredth slowest session.
const P99: Duration = Duration::from_millis(250);
/// The tests measure: one at a time.
static ALONE: Mutex<()> = Mutex::new(());
/// How long an attacker keeps what it made the server hold before it begins anew.
const KEEP: Duration = Duration::from_secs(2);

fn seconds() -> Option<u64> {
    std::env::var("PGTLS_ATTACK_SECONDS").ok()?.parse().ok()
}

/// The server's process; without the variable, nothing.
#[test]
fn server_process() {
    if std::env::var_os(SERVER).is_none() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        // Longer than the crowd takes to gather.
        let deadline = Duration::from_secs(60);
        let server = MockServer::builder().deadline(deadline).start().await.unwrap();
        // Nobody ever takes what it is told.
        let _unread = server.subscribe();
        println!("\nlistening {}", server.address());
        let ended = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
        ended.await.unwrap().unwrap();
    });
}

/// Its output is kept open: the test harness in it has something to say after a minute.
struct Process {
    child: Child,
    _output: Lines<BufReader<ChildStdout>>,
}

impl Process {
    fn start() -> (Self, SocketAddr) {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["server_process", "--exact", "--nocapture"])
            .env(SERVER, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines
            .find_map(|line| line.unwrap().strip_prefix("listening ").map(|it| it.parse().unwrap()))
            .expect("an address");
        (Self { child, _output: lines }, address)
    }

    /// What it holds in memory now, in bytes.
    fn resident(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? * 1024)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn query(sql: &str) -> Vec<u8> {
    message(b'Q', &[sql.as_bytes(), &[0]].concat())
}

fn parse(name: &str, sql: &str) -> Vec<u8> {
    message(b'P', &[name.as_bytes(), &[0], sql.as_bytes(), &[0, 0, 0]].concat())
}

fn repeated(text: &str, size: usize) -> String {
    text.repeat(size / text.len())
}

fn many_parameters() -> Vec<u8> {
    let mut body = (3_u32 << 16).to_be_bytes().to_vec();
    body.extend(b"user\0any\0");
    while body.len() < 9_990 {
        body.extend(b"a\0\0");
    }
    body.push(0);
    [&u32::try_from(body.len() + 4).unwrap().to_be_bytes()[..], &body].concat()
}

/// A ClientHello with as many ALPN names as it can hold.
fn wordy_hello() -> Vec<u8> {
    let names = [1, b'x'].repeat(15_000);
    let list = [&u16::try_from(names.len()).unwrap().to_be_bytes()[..], &names].concat();
    let alpn = [&[0, 16][..], &u16::try_from(list.len()).unwrap().to_be_bytes(), &list].concat();
    let extensions = [&u16::try_from(alpn.len()).unwrap().to_be_bytes()[..], &alpn].concat();
    let body = [&[3, 3][..], &[7; 32], &[0], &[0, 2, 0x13, 1], &[1, 0], &extensions].concat();
    let size = u32::try_from(body.len()).unwrap().to_be_bytes();
    let hello = [&[1][..], &size[1..], &body].concat();
    let record = |part: &[u8]| {
        [&[22, 3, 1][..], &u16::try_from(part.len()).unwrap().to_be_bytes(), part].concat()
    };
    hello.chunks(16_000).flat_map(record).collect()
}

/// What an attacker sends once it is where it wants to be, and whether it reads the answers.
struct Load {
    bytes: Vec<u8>,
    reads: bool,
}

/// How an attacker begins.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// It says nothing before its load.
    Raw,
    /// It asks for TLS, and goes on in clear.
    BehindRequest,
    /// It logs in.
    Session,
    /// It logs in inside of TLS.
    SessionInsideTls,
}

/// All that is sent, and by how many at a time.
fn amplifiers() -> Vec<(&'static str, Way, usize, Load)> {
    const MIB: usize = (1 << 20) - 100;
    let load = |bytes: Vec<u8>| Load { bytes, reads: true };
    let unread = |bytes: Vec<u8>| Load { bytes, reads: false };
    let each = |count: usize, make: &dyn Fn(usize) -> Vec<u8>| -> Vec<u8> {
        (0..count).flat_map(make).collect()
    };
    let ones = repeated("1,", MIB - 100) + "1";
    let long_name = "n".repeat(9_000);
    let bind = |portal: usize| {
        message(b'B', &[format!("{portal}\0s\0").as_bytes(), &[0, 0, 0, 0, 0, 0]].concat())
    };
    let describe = message(b'D', b"Ss\0");
    let hello_in_bytes: Vec<u8> =
        wordy_hello()[5..].iter().flat_map(|&byte| [22, 3, 1, 0, 1, byte]).collect();
    vec![
        ("$65535 in one query", Way::Session, 2, load(query(&repeated("select $65535;", 140_000)))),
        ("$65535, 1 MB", Way::Session, 2, load(query(&repeated("select $65535;", MIB)))),
        (
            "1,000 short statements",
            Way::Session,
            2,
            load(each(1000, &|n| parse(&format!("s{n}"), "select $65535"))),
        ),
        (
            "long statements",
            Way::Session,
            2,
            load(each(5, &|n| parse(&format!("s{n}"), &format!("select {ones}")))),
        ),
        ("select 1,1,…", Way::Session, 2, load(query(&format!("select {ones}")))),
        (
            "as many columns as there may be",
            Way::Session,
            2,
            load(each(1000, &|n| {
                parse(&format!("s{n}"), &format!("select {}1", "1,".repeat(1663)))
            })),
        ),
        ("8 MB", Way::Session, 18, unread([query(&repeated("show all;", MIB)).repeat(8)].concat())),
        (
            "8 MB that never end",
            Way::SessionInsideTls,
            6,
            unread([&[b'd'][..], &(1_u32 << 20).to_be_bytes(), &vec![0; MIB]].concat()),
        ),
        ("clear StartupMessages", Way::BehindRequest, 20, load(many_parameters().repeat(100))),
        ("a StartupMessage", Way::Raw, 100, load(many_parameters())),
        ("half a StartupMessage", Way::Raw, 100, load(many_parameters()[..9_000].to_vec())),
        ("SHOW", Way::Session, 4, unread(query(&repeated("show all;", MIB)))),
        ("SHOW inside TLS", Way::SessionInsideTls, 4, unread(query(&repeated("show all;", MIB)))),
        (
            "parameters",
            Way::Session,
            2,
            unread(
                [
                    each(900, &|n| query(&format!("set a{n} = '{}'", "v".repeat(9_000)))),
                    query("show all").repeat(10_000),
                ]
                .concat(),
            ),
        ),
        (
            "savepoints",
            Way::Session,
            2,
            load(
                [query("begin"), each(900, &|n| query(&format!("savepoint \"{n}{long_name}\"")))]
                    .concat(),
            ),
        ),
        (
            "portals",
            Way::Session,
            2,
            load(
                [
                    query("begin"),
                    parse("s", &format!("select '{}'", "x".repeat(200_000))),
                    each(900, &|n| {
                        let run = [format!("{n}\0").as_bytes(), &1_i32.to_be_bytes()].concat();
                        [bind(n), message(b'E', &run)].concat()
                    }),
                ]
                .concat(),
            ),
        ),
        (
            "descriptions",
            Way::Session,
            2,
            unread([parse("s", "select $65535"), describe.repeat(100_000)].concat()),
        ),
        (
            "names in errors",
            Way::Session,
            2,
            unread(message(b'D', &[b"S", long_name.as_bytes(), &[0]].concat()).repeat(1000)),
        ),
        ("chatter", Way::Session, 4, load(message(b'S', b"").repeat(100_000))),
        ("queries", Way::Session, 2, load(query("select 1").repeat(50_000))),
        ("nothing", Way::Session, 2, load(query(&repeated(";", MIB)))),
        ("parentheses", Way::Session, 2, load(query(&format!("select {}", "(".repeat(MIB - 50))))),
        ("no UTF-8", Way::Session, 2, load(message(b'Q', &[vec![0xff; MIB], vec![0]].concat()))),
        (
            "a long text",
            Way::Session,
            2,
            load(query(&format!("select '{}'", "x".repeat(MIB - 50)))),
        ),
        (
            "long rows",
            Way::Session,
            2,
            unread(
                [
                    query(&format!("set x = '{}'", "v".repeat(9_000))),
                    query(&format!("select {}1", "current_setting('x'),".repeat(1600))).repeat(20),
                ]
                .concat(),
            ),
        ),
        (
            "types",
            Way::Session,
            2,
            load(each(1000, &|n| {
                let head = [format!("t{n}\0select 1\0").as_bytes(), &[0xff, 0xff]].concat();
                message(b'P', &[&head[..], &vec![0; 65_535 * 4]].concat())
            })),
        ),
        (
            "formats",
            Way::Session,
            2,
            load(
                [
                    &[b'B'][..],
                    &(11_u32 + 65_535 * 2).to_be_bytes(),
                    b"\0\0\0\0\0\0\xff\xff",
                    &[0; 131_069],
                ]
                .concat()
                .repeat(20),
            ),
        ),
        (
            "a proof",
            Way::Raw,
            20,
            load([startup("any"), vec![b'p', 0, 0, 0xff, 0xff], vec![1; 65_000]].concat()),
        ),
        ("a wordy hello", Way::BehindRequest, 10, load(wordy_hello())),
        ("a hello in bytes", Way::BehindRequest, 4, load(hello_in_bytes)),
        ("cancels", Way::Raw, 10, load(CANCEL_REQUEST.to_vec())),
        ("function calls", Way::Session, 2, load(message(b'F', &vec![0; MIB]).repeat(8))),
        ("unknown", Way::Session, 2, load(message(b'?', &[0; 5000]).repeat(1000))),
    ]
}

/// One attack: on its way, the load, and a while of keeping it. How often it was sent whole counts.
async fn attack(address: SocketAddr, way: Way, load: &Load) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    match way {
        Way::Raw => {}
        Way::BehindRequest => {
            stream.write_all(&SSL_REQUEST).await?;
            stream.read_u8().await?;
        }
        Way::Session => log_in(&mut stream).await?,
        Way::SessionInsideTls => {
            stream.write_all(&SSL_REQUEST).await?;
            stream.read_u8().await?;
            let config = TlsClient { alpn: true, ..TlsClient::default() }.config();
            let name = "localhost".try_into().unwrap();
            let mut stream = tokio_rustls::TlsConnector::from(config).connect(name, stream).await?;
            log_in(&mut stream).await?;
            return burden(stream, load).await;
        }
    }
    burden(stream, load).await
}

async fn log_in(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> std::io::Result<()> {
    stream.write_all(&startup("any")).await?;
    stream.write_all(&message(b'p', &[DEFAULT_PASSWORD.as_bytes(), &[0]].concat())).await?;
    stream.flush().await?;
    // The answer is read up to ReadyForQuery.
    let mut last = [0; 6];
    while last != *b"Z\0\0\0\x05I" {
        last.rotate_left(1);
        last[5] = stream.read_u8().await?;
    }
    Ok(())
}

async fn burden<S: AsyncRead + AsyncWrite + Unpin>(stream: S, load: &Load) -> std::io::Result<()> {
    let (mut read, mut write) = tokio::io::split(stream);
    let send = async {
        let _ = timeout(KEEP, write.write_all(&load.bytes)).await;
        let _ = write.flush().await;
        sleep(KEEP).await;
    };
    let receive = async {
        let mut bytes = vec![0; 64 * 1024];
        while load.reads && matches!(read.read(&mut bytes).await, Ok(1..)) {}
        // The attacker stays, also where the server has left.
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = send => {}
        () = receive => {}
    }
    Ok(())
}

/// One honest session, encrypted.
async fn honest(address: SocketAddr) -> Result<(), tokio_postgres::Error> {
    let mut config = tokio_postgres::Config::new();
    config.host("localhost").hostaddr(address.ip()).port(address.port());
    config.user("any").password(DEFAULT_PASSWORD).dbname("postgres");
    config.ssl_mode(tokio_postgres::config::SslMode::Require);
    let (client, connection) = config.connect(TlsClient::default()).await?;
    let connection = tokio::spawn(connection);
    client.simple_query("SELECT 1").await?;
    client.query_one("SELECT 2", &[]).await?;
    drop(client);
    connection.await.unwrap()
}

/// A crowd that stays: whoever comes after it is served. It needs as many descriptors, and a while.
#[test]
fn ten_thousand_connections_are_held_and_an_honest_client_is_served() {
    const CROWD: usize = 10_000;
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let files = limits.lines().find(|line| line.starts_with("Max open files"));
    let files = files.and_then(|line| line.split_whitespace().nth(3)?.parse::<usize>().ok());
    if seconds().is_none() || files.is_none_or(|files| files < CROWD + 100) {
        return;
    }
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (process, address) = Process::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        within(honest(address)).await.expect("an honest client at rest");
        let rest = process.resident().unwrap_or_default();
        let mut crowd = Vec::new();
        for number in 0..CROWD {
            let mut client = within(TcpStream::connect(address)).await.unwrap();
            // Some say nothing, some wait in the middle of TLS, some at the password.
            match number % 3 {
                0 => {}
                1 => within(client.write_all(&SSL_REQUEST)).await.unwrap(),
                _ => within(client.write_all(&startup("any"))).await.unwrap(),
            }
            crowd.push(client);
        }
        for _ in 0..10 {
            within(honest(address)).await.expect("an honest client is served");
        }
        let each = process.resident().unwrap_or_default().saturating_sub(rest) / CROWD as u64;
        println!("{CROWD} connections, {each} bytes each");
        drop(crowd);
        within(honest(address)).await.expect("an honest client is served");
    });
}

#[test]
fn amplifiers_have_no_hold_and_an_honest_client_is_served() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (process, address) = Process::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let slow = Arc::new(AtomicU64::new(0));
    let attackers = std::thread::spawn({
        let slow = Arc::clone(&slow);
        move || {
            // Rest is what a server holds that has served.
            while slow.load(Ordering::SeqCst) == 0 {
                std::thread::yield_now();
            }
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let only = std::env::var("PGTLS_ATTACK_ONLY").ok();
            runtime.block_on(async {
                for (name, way, count, load) in amplifiers() {
                    if only.as_ref().is_some_and(|only| !name.contains(only.as_str())) {
                        continue;
                    }
                    let load = Arc::new(load);
                    for _ in 0..count {
                        let (slow, load) = (Arc::clone(&slow), Arc::clone(&load));
                        tokio::spawn(async move {
                            while slow.load(Ordering::SeqCst) == 1 {
                                if attack(address, way, &load).await.is_err() {
                                    sleep(Duration::from_millis(20)).await;
                                }
                            }
                        });
                    }
                }
                while slow.load(Ordering::SeqCst) == 1 {
                    sleep(Duration::from_millis(20)).await;
                }
            });
        }
    });

    let (mut times, mut most) = (Vec::new(), 0);
    let rest = runtime.block_on(async {
        for _ in 0..5 {
            within(honest(address)).await.expect("an honest client at rest");
        }
        let rest = process.resident();
        slow.store(1, Ordering::SeqCst);
        let end = Instant::now() + Duration::from_secs(seconds().unwrap_or(5));
        while Instant::now() < end {
            let begin = Instant::now();
            within(honest(address)).await.expect("an honest client is served");
            times.push(begin.elapsed());
            most = most.max(process.resident().unwrap_or_default());
            sleep(Duration::from_millis(5)).await;
        }
        rest
    });
    slow.store(2, Ordering::SeqCst);
    attackers.join().unwrap();
    times.sort_unstable();
    let p99 = times[(times.len() * 99 / 100).min(times.len() - 1)];
    let above = rest.map(|rest| most.saturating_sub(rest));
    let _ = writeln!(
        std::io::stderr(),
        "{} honest sessions, p50 {:?}, p99 {p99:?}, longest {:?}; rest {rest:?}, above it at most {above:?}",
        times.len(),
        times[times.len() / 2],
        times.last(),
    );
    // Where there is no /proc, there is nothing to measure.
    assert!(above.is_none_or(|above| above <= MOST), "{above:?} bytes above rest");
    if seconds().is_some() {
        assert!(p99 <= P99, "{p99:?}");
    }
}
