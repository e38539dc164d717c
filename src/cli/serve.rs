//! `pgtls serve`: the mock server, for a person to point a client at.

mod strings;

use std::{
    future::pending,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args, value_parser};
use pgtls_conformance::{
    axes::{Certificate, Key, Sslmode},
    providers::Profile,
    shim::RunFolder,
};
use pgtls_mock_server::{
    Builder, Connections, MockServer,
    axes::ServerAxes,
    pki::{Authority, ClientCertificate},
    script::Script,
};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{
    axes::ServerAxesArgs, error::CliError, exit, interrupt, output, printer::Printer,
    script::ScriptArgs,
};
use crate::foreign::Foreign;

#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    axes: ServerAxesArgs,
    #[command(flatten)]
    script: ScriptArgs,
    /// The address to listen on; anything but the loopback lets others in
    #[arg(long, value_name = "ADDR", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    bind: IpAddr,
    /// The port [default: a free one]
    #[arg(long, value_name = "N", default_value_t = 0)]
    port: u16,
    /// Where certificates and keys are written; a root that is there already is taken again
    /// [default: a folder that is removed at the end]
    #[arg(long, value_name = "D")]
    pki_dir: Option<PathBuf>,
    /// A provider's server: azure-flexible, tembo, timescale, dap; single axes override it
    #[arg(long, value_name = "P")]
    profile: Option<Profile>,
    /// After so many seconds, or at SIGUSR1, `timescale` swaps in its signed certificate
    #[arg(long, value_name = "S", default_value_t = 60)]
    swap_after: u64,
    #[command(flatten)]
    bounds: Bounds,
}

/// How much one client may have of the server: a line each.
#[derive(Debug, Args)]
#[command(next_help_heading = "Bounds")]
struct Bounds {
    // A person at a debugger takes longer than a test.
    /// How long a connection may last, in seconds
    #[arg(long, value_name = "S", default_value_t = 3600, value_parser = value_parser!(u64).range(1..))]
    connection_time: u64,
    /// How long a client may neither send nor read, in seconds [default: no bound of its own]
    #[arg(long, value_name = "S", value_parser = value_parser!(u64).range(1..))]
    idle_time: Option<u64>,
    /// How much clients together can make the server hold, in MiB [default: 12]
    #[arg(long, value_name = "MIB", value_parser = value_parser!(u16).range(1..))]
    memory: Option<u16>,
    /// How much one connection can make it hold, in MiB [default: 4]
    #[arg(long, value_name = "MIB", value_parser = value_parser!(u16).range(1..))]
    connection_memory: Option<u16>,
    /// How many connections may be open at a time [default: 16384]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    connections: Option<u32>,
}

/// Bytes in a MiB.
const MIB: usize = 1 << 20;

impl Bounds {
    fn on(&self, builder: Builder) -> Builder {
        let mut builder = builder.deadline(Duration::from_secs(self.connection_time));
        if let Some(seconds) = self.idle_time {
            builder = builder.idle(Duration::from_secs(seconds));
        }
        if let Some(mib) = self.memory {
            builder = builder.memory(usize::from(mib) * MIB);
        }
        if let Some(mib) = self.connection_memory {
            builder = builder.connection_memory(usize::from(mib) * MIB);
        }
        if let Some(connections) = self.connections {
            builder = builder.simultaneous(connections as usize);
        }
        builder
    }
}

impl Serve {
    pub(super) async fn run(&self) -> Result<u8, CliError> {
        let interrupted = interrupt::listen()?;
        tokio::pin!(interrupted);
        self.script.alone(&self.axes, self.profile.is_some())?;
        let script = self.script.read()?;
        let axes = self.axes.over(self.profile.map(Profile::server).unwrap_or_default());
        // Removed at the end; and where that does not come, by whoever starts next.
        let (folder, _removed) = match &self.pki_dir {
            Some(folder) => (folder.clone(), None),
            None => {
                let own = RunFolder::create()
                    .map_err(|error| CliError::tool("no folder for certificates", error))?;
                (own.path().to_owned(), Some(own))
            }
        };
        let authority = authority(&folder, axes.key)?;
        let address = SocketAddr::new(self.bind, self.port);
        let server = self
            .bounds
            .on(self.builder(authority, axes, script))
            .bind(address)
            .start()
            .await
            .map_err(|error| CliError::input(format!("could not listen on {address}"), error))?;
        if !self.bind.is_loopback() {
            output::notice(&format!(
                "{} is not the loopback: others can reach this server",
                self.bind
            ));
        }
        let swap = self.swap(axes.certificate)?;
        let printer = Printer::new(output::live);
        // Before anybody is told where to connect, so that no connection is missed.
        let connections = server.subscribe();
        printer.print(self.greeting(&server, swap.is_some())?);
        let ended = tokio::select! {
            biased;
            () = &mut interrupted => Ok(exit::INTERRUPTED),
            // Nobody reads what it sees any more, or nobody can.
            error = printer.failed() => Err(CliError::Output(error)),
            ended = watch(&server, connections, &printer, swap) => ended,
        };
        printer.finish();
        ended
    }

    fn builder(&self, authority: Authority, axes: ServerAxes, script: Option<Script>) -> Builder {
        let builder = MockServer::builder()
            .authority(authority)
            .axes(axes)
            .send_root(self.profile.is_some_and(Profile::sends_root));
        match script {
            Some(script) => builder.script(script),
            None => builder,
        }
    }

    /// The swap to come; none where an axis has replaced the profile's first certificate.
    fn swap(&self, certificate: Certificate) -> Result<Option<Swap>, CliError> {
        let first = |profile: &Profile| profile.server().certificate == certificate;
        let Some(successor) = self.profile.filter(first).and_then(Profile::successor) else {
            return Ok(None);
        };
        let asked = signal(SignalKind::user_defined1())
            .map_err(|error| CliError::tool("could not listen for SIGUSR1", error))?;
        let timer = Box::pin(tokio::time::sleep(Duration::from_secs(self.swap_after)));
        Ok(Some(Swap { successor, timer, asked }))
    }

    fn greeting(&self, server: &MockServer, swaps: bool) -> Result<String, CliError> {
        let axes = server.axes();
        let pki = |error| CliError::tool("a certificate could not be written", error);
        let authority = server.authority();
        let key = axes.key;
        let client = authority.client_identity(ClientCertificate::Right, key).map_err(pki)?;
        let root = authority.root_path(key).map_err(pki)?;
        let address = server.address();
        let described = pgtls_conformance::axes::Axes { server: axes, ..Default::default() };
        let mut lines = vec![
            format!("listening on {address}: {described}"),
            format!("CA certificate      {}", root.display()),
            format!(
                "server certificate  {}",
                authority.server_certificate_path(axes.certificate, key).map_err(pki)?.display()
            ),
            format!("revocation list     {}", authority.crl_path(key).map_err(pki)?.display()),
            format!(
                "client certificate  {} {}",
                client.certificate().display(),
                client.key().display()
            ),
            format!("password            {} (of any user)", server.password()),
            String::new(),
        ];
        if let Some(profile) = self.profile {
            lines.push(format!("as {profile} gives them:"));
            lines.extend(strings::of(profile, server, &root));
            lines.push(String::new());
        }
        let modes = Sslmode::ALL.iter().filter(|mode| **mode != Sslmode::Unset);
        lines.extend(modes.map(|mode| server.url(mode.name())));
        lines.push(String::new());
        if swaps {
            let pid = std::process::id();
            lines.push(format!(
                "the signed certificate comes in {} s, or at once: kill -USR1 {pid}",
                self.swap_after
            ));
        }
        lines.push("each connection's trace follows as it ends; Ctrl-C stops".to_owned());
        // The folder's name may be anybody's, and each of these is one line.
        let lines: Vec<String> = lines.iter().map(|line| Foreign(line).to_string()).collect();
        Ok(lines.join("\n"))
    }
}

/// Prints each connection's trace as it ends, and swaps the certificate when that is due. It
/// returns only if the server is gone, or a certificate cannot be made.
async fn watch(
    server: &MockServer,
    mut connections: Connections,
    printer: &Printer,
    mut swap: Option<Swap>,
) -> Result<u8, CliError> {
    loop {
        tokio::select! {
            ended = connections.next() => match ended {
                Some(ended) => printer.print(ended.observation.trace.to_string()),
                None => return Ok(exit::CLEAN),
            },
            certificate = due(&mut swap) => {
                swap = None;
                server
                    .set_certificate(certificate)
                    .map_err(|error| CliError::tool("could not swap the certificate", error))?;
                server.reset_connections();
                printer.print("the signed certificate is in place, with its chain; connections were reset");
            }
        }
    }
}

fn authority(folder: &Path, key: Key) -> Result<Authority, CliError> {
    // The root comes first: whatever is wrong with the folder shows here.
    Authority::generate_in(folder)
        .and_then(|authority| authority.root(key).map(|_| authority))
        .map_err(|error| {
            CliError::input(format!("could not use {} for certificates", folder.display()), error)
        })
}

/// A certificate that is to replace the first one.
struct Swap {
    successor: Certificate,
    timer: std::pin::Pin<Box<tokio::time::Sleep>>,
    asked: Signal,
}

/// Waits for the swap's time, or for somebody to ask for it; forever where there is none to come.
async fn due(swap: &mut Option<Swap>) -> Certificate {
    let Some(Swap { successor, timer, asked }) = swap else { return pending().await };
    tokio::select! {
        () = timer => {}
        Some(()) = asked.recv() => {}
    }
    *successor
}
