//! The TLS handshake, and whom it makes sure of.

use openssl::{
    error::ErrorStack,
    ssl::{Ssl, SslContext, SslFiletype, SslMethod, SslVerifyMode, SslVersion},
    x509::{X509VerifyResult, store::X509Lookup, verify::X509VerifyFlags},
};

use crate::{
    attempts::Failure,
    fault::Fault,
    login, names,
    settings::{Mode, Roots, Settings},
    wire::{Connection, Unfinished},
};

/// The protocol by its ALPN name.
const ALPN: &[u8] = b"postgresql";

/// Goes over to TLS as the settings want it.
pub(crate) fn secure(connection: Connection, settings: &Settings) -> Result<Connection, Failure> {
    if settings.roots == Roots::Absent
        && settings.verifies()
        && !settings.has(Fault::TrustsWithoutRoot)
    {
        return Err(Failure::last("root certificate file does not exist"));
    }
    let ssl = context(settings)
        .and_then(|context| client(&context, settings))
        .map_err(|error| Failure::NextMethod(format!("could not set up TLS: {error}")))?;
    let last_words = if settings.has(Fault::FallsBackOnTheSameConnection) {
        login::startup(settings, "")
    } else {
        Vec::new()
    };
    let mut connection =
        connection.secure(ssl, &last_words).map_err(|unfinished| match unfinished {
            Unfinished::TimedOut => Failure::last("timeout expired during the TLS handshake"),
            Unfinished::Failed(text) => Failure::NextMethod(format!("SSL error: {text}")),
        })?;
    let certificate = connection.tls().and_then(openssl::ssl::SslRef::peer_certificate);
    let checks_name = settings.mode == Mode::VerifyFull
        && !settings.has(Fault::AcceptsAnyName)
        && !settings.has(Fault::AcceptsAnyCertificate);
    if checks_name
        && !certificate.is_some_and(|certificate| names::are_hosts(&certificate, settings))
    {
        return Err(Failure::Final(format!(
            "server certificate does not match host name \"{}\"",
            settings.host
        )));
    }
    let takes_anything = [
        Fault::TakesStuffedBytes,
        Fault::TakesStuffedBytesAndLeaves,
        Fault::TakesStuffedBytesLateAndLeaves,
    ]
    .into_iter()
    .any(|fault| settings.has(fault));
    if !connection.inbox.is_empty() && !takes_anything {
        return Err(Failure::last("received unencrypted data after SSL response"));
    }
    if settings.direct
        && connection.tls().and_then(|tls| tls.selected_alpn_protocol()) != Some(ALPN)
    {
        return Err(Failure::last(
            "direct SSL connection was established without ALPN protocol negotiation extension",
        ));
    }
    if settings.has(Fault::LeaksBesideTls) {
        // The session breaks of it, as it should.
        let _ = connection.send_in_clear(settings.password.as_bytes());
    }
    Ok(connection)
}

fn context(settings: &Settings) -> Result<SslContext, ErrorStack> {
    let mut context = SslContext::builder(SslMethod::tls_client())?;
    context.set_min_proto_version(Some(SslVersion::TLS1_2))?;
    match &settings.roots {
        Roots::Absent => {}
        Roots::System => context.set_default_verify_paths()?,
        Roots::File(file) => {
            context.set_ca_file(file)?;
            if let Some(crl) =
                settings.crl.as_ref().filter(|_| !settings.has(Fault::IgnoresRevocation))
            {
                let store = context.cert_store_mut();
                store.add_lookup(X509Lookup::file())?.load_crl_file(crl, SslFiletype::PEM)?;
                store.set_flags(X509VerifyFlags::CRL_CHECK | X509VerifyFlags::CRL_CHECK_ALL)?;
            }
        }
    }
    if let Some((certificate, key)) = &settings.identity {
        context.set_certificate_chain_file(certificate)?;
        context.set_private_key_file(key, SslFiletype::PEM)?;
    }
    // The root decides, not the mode.
    if settings.roots == Roots::Absent || settings.has(Fault::AcceptsAnyCertificate) {
        context.set_verify(SslVerifyMode::NONE);
    } else {
        let forgives = forgives(settings);
        context.set_verify_callback(SslVerifyMode::PEER, move |fine, store| {
            fine || forgives(store.error())
        });
    }
    Ok(context.build())
}

/// What of OpenSSL's verdict is passed over.
fn forgives(settings: &Settings) -> fn(X509VerifyResult) -> bool {
    // By OpenSSL's numbers (x509_vfy.h): not yet valid 9, expired 10, unsuitable purpose 26.
    if settings.has(Fault::IgnoresExpiry) {
        |error| matches!(error.as_raw(), 9 | 10)
    } else if settings.has(Fault::IgnoresUsage) {
        |error| error.as_raw() == 26
    } else if settings.has(Fault::IgnoresAuthority) {
        |_| true
    } else {
        |_| false
    }
}

fn client(context: &SslContext, settings: &Settings) -> Result<Ssl, ErrorStack> {
    let mut ssl = Ssl::new(context)?;
    if !names::is_address(&settings.host) {
        ssl.set_hostname(&settings.host)?;
    }
    let offered = u8::try_from(ALPN.len()).unwrap_or_default();
    ssl.set_alpn_protos(&[&[offered], ALPN].concat())?;
    Ok(ssl)
}
