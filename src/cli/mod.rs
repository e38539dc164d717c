//! The command line: parsed once, here; each command is a file of its own.

mod axes;
mod bare;
mod diff;
mod error;
pub mod exit;
mod expect;
mod file;
mod filters;
mod fuzz;
mod guard;
mod install;
mod interrupt;
mod list;
mod matrix;
mod output;
mod outputs;
mod places;
mod printer;
mod progress;
mod run;
mod schema;
mod script;
mod serve;
mod shim;
mod stacks;
mod sweep;

use std::{
    io::{IsTerminal as _, Write as _, stderr},
    process::ExitCode,
    time::Duration,
};

use clap::{Parser, Subcommand};
use tracing_subscriber::field::MakeExt as _;

use self::{error::CliError, printer::Printer};
use crate::foreign::Foreign;

/// Drives real PostgreSQL drivers through every sslmode against a server that can be honest,
/// wrong or hostile, and says which of them keep their promises.
#[derive(Debug, Parser)]
#[command(
    name = "pgtls",
    version,
    after_help = "Exit codes: 0 no finding; 1 findings; 2 the command was wrong; 3 the tool itself failed; 130 interrupted.\n\nStart with `pgtls matrix`."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// What there is: stacks, axes, cells, invariants
    List(list::List),
    /// What libpq would do: the reference's trace on one line
    Expect(expect::Expect),
    /// One cell: the observed trace, the verdicts, the transcript
    Run(run::Run),
    /// Many cells: every stack through every mode
    Matrix(matrix::Matrix),
    /// What changed between two results
    Diff(diff::Diff),
    /// The mock server, for a person to point a client at
    Serve(serve::Serve),
    /// Hostile servers made up at random, shrunk when an invariant breaks
    Fuzz(fuzz::Fuzz),
    /// A counterexample of `fuzz` again
    Replay(fuzz::Replay),
    /// A built-in stack over the shim contract
    Shim(shim::Shim),
    /// Installs shims of drivers in other languages
    Install(install::Install),
    /// Clears up behind a run that was killed
    #[command(hide = true)]
    Guard(guard::Guard),
    /// JSON Schemas of the shim contract, the results and the baseline
    Schema(schema::Schema),
}

/// Parses the process's arguments, runs the command, and says how it went.
#[must_use]
pub fn main() -> ExitCode {
    let log = log();
    let code = command();
    log.finish();
    code
}

/// Logging to stderr. What is logged may be a client's words; and nobody waits for a reader.
fn log() -> Printer {
    let printer = Printer::new(|line| writeln!(stderr().lock(), "{line}"));
    let filter = tracing_subscriber::EnvFilter::try_from_env("PGTLS_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn,rustls=error"));
    let fields = tracing_subscriber::fmt::format::debug_fn(|out, field, value| {
        let value = format!("{value:?}");
        match field.name() {
            "message" => write!(out, "{}", Foreign(&value)),
            name => write!(out, "{name}={}", Foreign(&value)),
        }
    });
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .fmt_fields(fields.delimited(" "))
        .with_writer(printer.clone())
        .with_ansi(stderr().is_terminal())
        .without_time()
        .init();
    printer
}

fn command() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // --help and --version come this way too.
            print(&error);
            return ExitCode::from(if error.use_stderr() { exit::USAGE } else { exit::CLEAN });
        }
    };
    match run(cli.command) {
        Ok(code) => ExitCode::from(code),
        Err(CliError::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            // Nobody reads what `serve` sees any more, and that is no failure.
            ExitCode::from(exit::CLEAN)
        }
        Err(error) => {
            output::notice(&error.one_line());
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(command: Command) -> Result<u8, CliError> {
    match command {
        Command::List(list) => interruptible(move || list.run()),
        Command::Expect(expect) => interruptible(move || expect.run()),
        Command::Diff(diff) => interruptible(move || diff.run()),
        Command::Schema(schema) => interruptible(move || schema.run()),
        Command::Install(install) => block_on(install.run()),
        Command::Guard(guard) => guard.run(),
        Command::Run(run) => block_on(run.run()),
        Command::Matrix(matrix) => block_on(matrix.run()),
        Command::Serve(serve) => block_on(serve.run()),
        Command::Fuzz(fuzz) => block_on(fuzz.run()),
        Command::Replay(replay) => block_on(replay.run()),
        Command::Shim(shim) => shim.run(),
    }
}

/// Prints what the parser has to say. Its text has lines of its own, so an argument that could
/// make further ones, or harm a terminal, makes it one line.
fn print(error: &clap::Error) {
    let arguments = std::env::args_os().skip(1);
    let harmless = |argument: std::ffi::OsString| {
        let argument = argument.to_string_lossy();
        Foreign(&argument).to_string() == argument
    };
    if arguments.into_iter().all(harmless) {
        // Nothing can be done if printing fails.
        let _ = error.print();
    } else {
        output::notice(error.render().to_string().trim_end());
    }
}

/// A command that waits for nothing but files, ended by a signal as the others are.
fn interruptible(
    work: impl FnOnce() -> Result<u8, CliError> + Send + 'static,
) -> Result<u8, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::tool("no runtime for signals", error))?;
    let result = runtime.block_on(async {
        let interrupted = interrupt::here()?;
        tokio::select! {
            done = tokio::task::spawn_blocking(work) => {
                done.unwrap_or_else(|error| Err(CliError::tool("the command failed", error)))
            }
            () = interrupted => Ok(exit::INTERRUPTED),
        }
    });
    // What still waits for a file must not keep the program.
    runtime.shutdown_background();
    result
}

/// How long a command's tasks may take to end once its work is done.
const FAREWELL: Duration = Duration::from_secs(2);

/// On one thread: servers and runner hand over to one another at every step, and the other processors
/// are the clients'.
fn block_on(work: impl Future<Output = Result<u8, CliError>>) -> Result<u8, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::tool("no runtime for network and timers", error))?;
    let result = runtime.block_on(work);
    // Tasks are dropped, and with the last of them its certificates' folder is removed; one that
    // still waits on something that blocks must not keep the program.
    runtime.shutdown_timeout(FAREWELL);
    result
}
