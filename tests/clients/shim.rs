//! The shim's loop: one question a line, one answer a line; and the faults of a process.

use std::{
    io::{self, Read as _, Write as _},
    os::unix::process::CommandExt as _,
    process::{Command, Stdio},
    sync::Once,
    thread,
    time::Duration,
};

use nix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

use crate::{
    contract::{self, Connect, Outcome, Question},
    fault::Fault,
    session,
};

/// Longer than any test runs.
const FOR_EVER: Duration = Duration::from_secs(3600);
/// Just behind the deadline of 5 seconds: a timeout of 2, and 3 more.
const TOO_LATE: Duration = Duration::from_millis(5_200);

/// As many questions as one that takes several takes.
const AT_ONCE: u32 = 8;

/// Behind an answer, and before anybody stops watching.
const A_MOMENT: Duration = Duration::from_millis(100);

/// Behind the timeout, and well before the deadline.
const LATE: Duration = Duration::from_millis(3_000);

/// Answers until stdin ends.
pub(crate) fn serve(fault: Option<Fault>) -> io::Result<()> {
    let mut owed = None;
    for line in io::stdin().lines() {
        // What comes late comes on the next question, so that no test depends on the clock.
        match owed.take() {
            Some((Fault::DiesLater, _)) => std::process::abort(),
            Some((Fault::PrintsRubbishLater, _)) => say("did I say that?")?,
            Some((Fault::AnswersTwiceLater, honest)) => tell(&honest)?,
            _ => {}
        }
        match serde_json::from_str(&line?)? {
            Question::Hello { .. } if fault == Some(Fault::BreaksHello) => {
                say("{\"type\":\"hello\",")?;
            }
            Question::Hello { contract } => {
                let other = u32::from(fault == Some(Fault::SpeaksAnotherContract));
                let mut hello = contract::hello(contract + other);
                if fault.is_some_and(Fault::takes_several) {
                    hello["supports"]["concurrency"] = AT_ONCE.into();
                }
                tell(&hello)?;
                if fault == Some(Fault::RefusesNonsenseAheadOfTime) {
                    tell(&contract::result(0, &Outcome::Failed("no".to_owned())))?;
                }
            }
            Question::Connect(connect) if fault.is_some_and(Fault::takes_several) => {
                thread::spawn(move || answer_beside_others(&connect, fault));
            }
            Question::Connect(connect) => {
                owed = answer(&connect, fault)?;
                if fault == Some(Fault::LeaksBehindItsAnswer) && demands_tls(&connect) {
                    thread::spawn(move || {
                        thread::sleep(A_MOMENT);
                        session::log_in_in_clear(&connect);
                    });
                }
            }
        }
    }
    match owed {
        Some((Fault::DiesAtTheEnd, _)) => std::process::abort(),
        Some((Fault::FailsAtTheEnd, _)) => std::process::exit(3),
        _ => {}
    }
    if let Some((Fault::PrintsRubbishAtTheEnd, _)) = owed {
        say("farewell")?;
    }
    Ok(())
}

/// Whether the mode demands encryption.
fn demands_tls(connect: &Connect) -> bool {
    matches!(connect.sslmode.as_deref(), Some("require" | "verify-ca" | "verify-full"))
}

/// Answers one of several questions.
fn answer_beside_others(connect: &Connect, fault: Option<Fault>) {
    if connect.sslmode.as_deref() == Some("require") {
        match fault {
            Some(Fault::TakesSeveralAndDies) => std::process::abort(),
            Some(Fault::TakesSeveralAndHangs) => thread::sleep(FOR_EVER),
            _ => {}
        }
    }
    let outcome = session::run(connect, fault);
    // Where nobody reads any more, this process is about to end.
    let _ = tell(&contract::result(connect.id, &outcome));
}

/// Answers; a fault that shows later comes back, with the answer.
fn answer(connect: &Connect, fault: Option<Fault>) -> io::Result<Option<(Fault, Value)>> {
    // The other cells of a run show whether the damage stays where it is done.
    let fault_of_process = fault.filter(|_| connect.sslmode.as_deref() == Some("require"));
    before(fault_of_process)?;
    let outcome = session::run(connect, fault);
    let honest = contract::result(connect.id, &outcome);
    match fault_of_process {
        Some(Fault::PrintsRubbish) => say("Segmentation fault (not really)")?,
        Some(Fault::PrintsOtherJson) => tell(&json!({"id": connect.id, "outcome": "fine"}))?,
        Some(Fault::WrongId) => tell(&contract::result(connect.id + 1, &outcome))?,
        Some(Fault::FloodsAnswers) => loop {
            tell(&honest)?;
        },
        Some(Fault::DiesWithinItsAnswer) => {
            let text = honest.to_string();
            io::stdout().write_all(&text.as_bytes()[..text.len() / 2])?;
            io::stdout().flush()?;
            std::process::abort();
        }
        Some(Fault::ClosesStdinBeforeItsAnswer) => {
            let words = "exec <&-; printf '%s\\n' \"$0\"; exec sleep 3600";
            return Err(Command::new("sh").args(["-c", words, &honest.to_string()]).exec());
        }
        Some(Fault::AnswersInAnotherOrder) => tell(&in_another_order(&honest))?,
        Some(Fault::KeepsTlsToItself) => {
            let mut answer = honest.clone();
            answer["tls"] = Value::Null;
            tell(&answer)?;
        }
        Some(Fault::FloodsBytes) => loop {
            io::stdout().write_all(&[b'x'; 4096])?;
        },
        _ => {
            tell(&honest)?;
            behind(fault_of_process, &honest)?;
        }
    }
    Ok(fault_of_process.map(|fault| (fault, honest)))
}

fn in_another_order(answer: &Value) -> Value {
    let keys = answer.as_object().into_iter().flatten().rev();
    let mut other: serde_json::Map<_, _> =
        keys.map(|(key, value)| (key.clone(), value.clone())).collect();
    other.insert("took_ms".to_owned(), json!({"connect": 1, "query": [2, null]}));
    Value::Object(other)
}

/// More processor time than any honest question takes.
const HARD_WORK: Duration = Duration::from_millis(1_500);
/// More memory than any honest question takes, in bytes.
const MUCH_MEMORY: usize = 300 << 20;

/// Burns processor time, however long that takes.
pub(crate) fn work_hard() {
    let used =
        || clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).map_or(HARD_WORK, Duration::from);
    let until = used() + HARD_WORK;
    while used() < until {
        std::hint::spin_loop();
    }
}

fn take_much_memory() {
    drop(std::hint::black_box(vec![1_u8; MUCH_MEMORY]));
}

/// What goes wrong before the client is asked anything.
fn before(fault: Option<Fault>) -> io::Result<()> {
    match fault {
        Some(Fault::Hangs) => thread::sleep(FOR_EVER),
        Some(Fault::AnswersLate) => thread::sleep(TOO_LATE),
        Some(Fault::AnswersSlowly) => thread::sleep(LATE),
        Some(Fault::WorksHard) => work_hard(),
        Some(Fault::HasAChildWorkHard) => {
            Command::new(std::env::current_exe()?).arg("work-hard").status()?;
        }
        Some(Fault::TakesMuchMemory) => take_much_memory(),
        Some(Fault::WarmsUp) => {
            static ONCE: Once = Once::new();
            ONCE.call_once(|| {
                work_hard();
                take_much_memory();
            });
        }
        Some(Fault::LoopsBusily) => loop {
            std::hint::spin_loop();
        },
        Some(Fault::FloodsStderr) => loop {
            io::stderr().write_all(&[b'x'; 4096])?;
        },
        Some(Fault::Chatters) => {
            for number in 0..1_000 {
                eprintln!("thread {number} says that nothing panicked at all, {}", "x".repeat(100));
            }
        }
        Some(Fault::Dies) => std::process::abort(),
        Some(Fault::Panics) => panic!("as the tests want it"),
        Some(Fault::SurvivesPanic) => {
            // Its end is the fault.
            let _ = thread::spawn(|| panic!("as the tests want it")).join();
        }
        Some(Fault::ClosesStdout) => return Err(live_on_without(">&-")),
        Some(Fault::LeavesAChild) => {
            Command::new("sleep").arg("3600").spawn()?;
            std::process::exit(0);
        }
        Some(Fault::LeavesADaemon) => {
            Command::new("setsid").args(["sleep", "3600"]).spawn()?;
            thread::sleep(FOR_EVER);
        }
        Some(Fault::LeavesABareDaemon) => {
            start_bare_daemon()?;
            thread::sleep(FOR_EVER);
        }
        Some(Fault::LeavesAnOrphan) => {
            start_bare_daemon()?;
            std::process::exit(0);
        }
        _ => {}
    }
    Ok(())
}

/// Starts a process of which nothing tells where it comes from, but for its parent while that lives.
fn start_bare_daemon() -> io::Result<()> {
    // The marker by which the test looks for it stays.
    let marker = std::env::var_os("PGTLS_TEST_MARKER").unwrap_or_default();
    let mut daemon = Command::new("setsid")
        .args(["sh", "-c", "echo; exec sleep 3600 >&-"])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("PGTLS_TEST_MARKER", marker)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    // It has left the group when it speaks.
    if let Some(mut said) = daemon.stdout.take() {
        said.read_exact(&mut [0])?;
    }
    Ok(())
}

/// What goes wrong behind an answer.
fn behind(fault: Option<Fault>, honest: &Value) -> io::Result<()> {
    match fault {
        Some(Fault::DiesAfterwards) => std::process::abort(),
        Some(Fault::DiesInAMoment) => {
            thread::spawn(|| {
                thread::sleep(A_MOMENT);
                std::process::abort()
            });
        }
        Some(Fault::AnswersTwice) => tell(honest)?,
        Some(Fault::LeavesHalfALine) => {
            io::stdout().write_all(b"and")?;
            io::stdout().flush()?;
        }
        Some(Fault::ClosesStdin) => return Err(live_on_without("<&-")),
        Some(Fault::StopsListening) => thread::sleep(FOR_EVER),
        _ => {}
    }
    Ok(())
}

/// Becomes a process that lives on without the stream that the shell's words close; returns only if
/// that fails.
fn live_on_without(stream: &str) -> io::Error {
    Command::new("sh").args(["-c", &format!("exec {stream}; exec sleep 3600")]).exec()
}

fn tell(answer: &Value) -> io::Result<()> {
    say(&answer.to_string())
}

fn say(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}
