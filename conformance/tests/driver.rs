//! Drivers in this process: what they do wrong costs their own cell alone, and silence costs no time.

use std::time::Duration;

use futures_util::future::join_all;
use nix::time::{ClockId, clock_gettime};
use pgtls_conformance::{
    Written,
    axes::Axes,
    judge::{Conformance, Invariant},
    runner::{CellRun, Driver, Network, StackSpec, Subject, TestEnvironment},
    shim::{Connect, Hello, Outcome, Supports},
};
use pgtls_mock_server::Seed;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Does one thing wrong, under `require` alone.
#[derive(Debug, Clone, Copy)]
enum Fault {
    PanicsInTheCall,
    PanicsBesideTheCall,
    PanicsBehindItsAnswer,
    WaitsForGood,
    OpensASocket,
    WorksHard,
    TakesMuchMemory,
}

impl Driver for Fault {
    fn hello(&self) -> Hello {
        let supports = Supports {
            sslmode: Supports::all_modes(),
            sslrootcert: Written::read_all(&["file"]),
            ..Supports::default()
        };
        Hello { supports, ..Hello::new("faulty", "1") }
    }

    async fn connect(&self, request: &Connect, network: &Network) -> Outcome {
        match request.sslmode.as_deref() {
            Some("nonsense") => return Outcome::unsupported("no such mode"),
            Some("require") => self.go_wrong(request).await,
            _ => {}
        }
        assert!(network.is_in_memory());
        let mut stream = match network.dial().await {
            Ok(stream) => stream,
            Err(error) => return Outcome::failed("io", &error),
        };
        // An SSLRequest, and as much of its answer as a timeout allows.
        let asked = async {
            stream.write_all(&[0, 0, 0, 8, 4, 210, 22, 47]).await?;
            stream.read_u8().await
        };
        let timeout = Duration::from_millis(request.timeout_ms);
        match tokio::time::timeout(timeout, asked).await {
            Ok(Ok(reply)) => Outcome::failed("reply", &std::io::Error::other(reply.to_string())),
            Ok(Err(error)) => Outcome::failed("io", &error),
            Err(error) => Outcome::failed("timeout", &error),
        }
    }
}

impl Fault {
    async fn go_wrong(self, request: &Connect) {
        match self {
            Self::PanicsInTheCall => panic!("no {}", request.host),
            Self::PanicsBesideTheCall => {
                let _ = tokio::task::spawn_blocking(|| panic!("in a thread")).await;
            }
            Self::PanicsBehindItsAnswer => {
                drop(tokio::spawn(async {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    panic!("behind the answer");
                }));
            }
            Self::WaitsForGood => std::future::pending().await,
            Self::WorksHard => {
                let used = || clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from);
                let until = used().expect("a clock") + Duration::from_millis(1100);
                while used().expect("a clock") < until {
                    std::hint::spin_loop();
                }
            }
            Self::TakesMuchMemory => drop(std::hint::black_box(vec![1_u8; 300 << 20])),
            Self::OpensASocket => {
                let _ = tokio::net::TcpStream::connect(("127.0.0.1", 1)).await;
            }
        }
    }
}

fn environment() -> TestEnvironment {
    let seed = Seed::random();
    eprintln!("seed {seed}");
    TestEnvironment::new(seed).expect("a test environment")
}

async fn ask(subject: &Subject<'_>, axes: &str) -> CellRun {
    let axes: Axes = axes.parse().expect("axes");
    subject.try_scenario(&axes, &[]).await
}

#[tokio::test]
async fn a_fault_costs_its_own_cell_alone() {
    let environment = environment();
    for (fault, conformance, invariant, reason) in [
        (Fault::PanicsInTheCall, Conformance::Crash, Invariant::Crash, "no localhost"),
        (Fault::PanicsBesideTheCall, Conformance::Crash, Invariant::Crash, "in a thread"),
        (Fault::PanicsBehindItsAnswer, Conformance::Crash, Invariant::Crash, "behind the answer"),
        (Fault::WaitsForGood, Conformance::Hang, Invariant::Hang, "no answer within 5s"),
        (Fault::OpensASocket, Conformance::Crash, Invariant::Crash, "runtime"),
    ] {
        let spec = StackSpec::in_process("faulty", fault);
        let subject = Subject::probe(&spec, &environment).await;
        assert_eq!(subject.could_not_run(), None);
        let run = ask(&subject, "sslmode=require").await;
        assert_eq!(run.result.conformance, conformance, "{fault:?}: {:?}", run.result);
        assert_eq!(run.result.safety, [invariant], "{fault:?}");
        let told = run.result.reason.unwrap_or_default();
        assert!(told.contains(reason), "{fault:?}: {told}");
        if conformance == Conformance::Crash && !matches!(fault, Fault::OpensASocket) {
            assert!(told.contains("conformance/tests/driver.rs:"), "{fault:?}: {told}");
        }
        let run = ask(&subject, "sslmode=verify-full,sslrootcert=right").await;
        assert_eq!(run.result.conformance, Conformance::Stricter, "{fault:?}: {:?}", run.result);
        assert_eq!(run.result.safety, [], "{fault:?}");
    }
}

/// What is allocated is counted where the program has an allocator that counts.
#[tokio::test]
async fn what_a_driver_takes_on_its_thread_is_measured() {
    let environment = environment();
    let counts = cfg!(feature = "count-allocations");
    for (fault, safety) in [
        (Fault::WorksHard, &[Invariant::Busy][..]),
        (Fault::TakesMuchMemory, if counts { &[Invariant::Memory] } else { &[] }),
    ] {
        let spec = StackSpec::in_process("faulty", fault);
        let subject = Subject::probe(&spec, &environment).await;
        let run = ask(&subject, "sslmode=require").await;
        assert_eq!(run.result.safety, safety, "{fault:?}");
        let run = ask(&subject, "sslmode=prefer").await;
        assert_eq!(run.result.safety, [], "{fault:?}");
    }
}

/// Any number of questions is asked at once, and each has a number of its own.
#[tokio::test]
async fn many_are_asked_at_once() {
    let environment = environment();
    let spec = StackSpec::in_process("faulty", Fault::WaitsForGood);
    let subject = Subject::probe(&spec, &environment).await.with_jobs(2);
    let runs = join_all((0..50).map(|_| ask(&subject, "sslmode=prefer"))).await;
    let mut numbers: Vec<usize> = runs.iter().map(|run| run.number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..50).collect::<Vec<_>>());
}

/// The client's timeout of two seconds is waited for, and not by this test.
#[tokio::test]
async fn silence_is_waited_for_by_the_cells_own_clock() {
    let environment = environment();
    let spec = StackSpec::in_process("faulty", Fault::WaitsForGood);
    let subject = Subject::probe(&spec, &environment).await;
    for _ in 0..20 {
        let run = ask(&subject, "reply=silent,sslmode=prefer").await;
        let observed = run.result.observed.expect("an observation");
        assert!(observed.elapsed_us >= 2_000_000, "{observed:?}");
        assert_eq!(observed.error.expect("an error").class, "timeout");
    }
}

/// Says yes to everything.
#[derive(Debug)]
struct Yes;

impl Driver for Yes {
    fn hello(&self) -> Hello {
        Hello::new("yes", "1")
    }

    async fn connect(&self, _: &Connect, _: &Network) -> Outcome {
        Outcome::Connected { tls: Some(true), rows: Vec::new() }
    }
}

/// Does not even say who it is.
#[derive(Debug)]
struct Speechless;

impl Driver for Speechless {
    fn hello(&self) -> Hello {
        panic!("who, me?")
    }

    async fn connect(&self, _: &Connect, _: &Network) -> Outcome {
        Outcome::unsupported("anything")
    }
}

#[tokio::test]
async fn who_fails_the_first_questions_cannot_run() {
    let environment = environment();
    let could_not_run = async |spec: StackSpec| {
        Subject::probe(&spec, &environment).await.could_not_run().unwrap_or_default()
    };
    let yes = could_not_run(StackSpec::in_process("yes", Yes)).await;
    assert_eq!(yes, "dropped: asked for sslmode=nonsense, it did not say no");
    let speechless = could_not_run(StackSpec::in_process("speechless", Speechless)).await;
    assert!(speechless.ends_with("who, me?"), "{speechless}");
}
