//! `pgtls serve`: the mock server, for a person to point a client at.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use clap::Args;
use pgtls_conformance::{
    axes::{Certificate, Key, Sslmode},
    providers::Profile,
};
use pgtls_mock_server::{MockServer, pki::{Authority, ClientCertificate}};

use super::{axes::ServerAxesArgs, error::CliError, exit, interrupt, output};

/// A person at a debugger takes longer than a test.
const CONNECTION: Duration = Duration::from_secs(3600);

#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    axes: ServerAxesArgs,
    /// The address to listen on; anything but the loopback lets others in
    #[arg(long, value_name = "ADDR", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    bind: IpAddr,
    /// The port [default: a free one]
    #[arg(long, value_name = "N", default_value_t = 0)]
    port: u16,
    /// Where certificates and keys are written [default: a folder that is removed at the end]
    #[arg(long, value_name = "D")]
    pki_dir: Option<PathBuf>,
    /// A provider's server: azure-flexible, tembo, timescale, dap; single axes override it
    #[arg(long, value_name = "P")]
    profile: Option<Profile>,
    /// After so many seconds, `timescale` swaps in its signed certificate
    #[arg(long, value_name = "S", default_value_t = 60)]
    swap_after: u64,
}

impl Serve {
    pub(super) async fn run(&self) -> Result<u8, CliError> {
        let authority = match &self.pki_dir {
            Some(folder) => Authority::generate_in(folder)
                .map_err(|error| CliError::input(format!("could not use {} for certificates", folder.display()), error))?,
            None => Authority::generate().map_err(|error| CliError::tool("no certificates", error))?,
        };
        let axes = self.axes.over(self.profile.map(Profile::server).unwrap_or_default());
        let address = SocketAddr::new(self.bind, self.port);
        let server = MockServer::builder()
            .authority(authority)
            .axes(axes)
            .bind(address)
            .deadline(CONNECTION)
            .start()
            .await
            .map_err(|error| CliError::input(format!("could not listen on {address}"), error))?;
        if !self.bind.is_loopback() {
            anstream::eprintln!("pgtls: {} is not the loopback: others can reach this server", self.bind);
        }
        self.greet(&server)?;
        let mut connections = server.subscribe();
        let swap = tokio::time::sleep(Duration::from_secs(self.swap_after));
        tokio::pin!(swap);
        let mut to_swap = self.profile == Some(Profile::Timescale) && axes.certificate == Certificate::SelfSigned;
        loop {
            tokio::select! {
                ended = connections.next() => match ended {
                    Some(ended) => output::line(&ended.observation.trace.to_string())?,
                    None => return Ok(exit::CLEAN),
                },
                () = &mut swap, if to_swap => {
                    to_swap = false;
                    server
                        .set_certificate(Certificate::WithIntermediate)
                        .map_err(|error| CliError::tool("could not swap the certificate", error))?;
                    output::line("the signed certificate is in place, with its chain")?;
                }
                () = interrupt::interrupted() => return Ok(exit::INTERRUPTED),
            }
        }
    }

    fn greet(&self, server: &MockServer) -> Result<(), CliError> {
        let axes = server.axes();
        let pki = |error| CliError::tool("a certificate could not be written", error);
        let authority = server.authority();
        let key: Key = axes.key;
        let client = authority.client_identity(ClientCertificate::Right, key).map_err(pki)?;
        let address = server.address();
        let described = pgtls_conformance::axes::Axes { server: axes, ..Default::default() };
        let mut lines = vec![
            format!("listening on {address}: {described}"),
            format!("CA certificate      {}", authority.root_path(key).map_err(pki)?.display()),
            format!("server certificate  {}", authority.server_certificate_path(axes.certificate, key).map_err(pki)?.display()),
            format!("revocation list     {}", authority.crl_path(key).map_err(pki)?.display()),
            format!("client certificate  {} {}", client.certificate.display(), client.key.display()),
            format!("password            {} (of any user)", server.password()),
            String::new(),
        ];
        let modes = Sslmode::ALL.iter().filter(|mode| **mode != Sslmode::Unset);
        lines.extend(modes.map(|mode| server.url(mode.name())));
        lines.push(String::new());
        lines.push("each connection's trace follows as it ends; Ctrl-C stops".to_owned());
        output::line(&lines.join("\n"))
    }
}
