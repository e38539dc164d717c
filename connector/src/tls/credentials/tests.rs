//! Files that are right, wrong, empty, missing, or open to others.

use std::path::PathBuf;

use rcgen::{CertificateParams, KeyPair};

use super::*;
use crate::{Config, Connector};

fn settings(text: &str) -> Settings {
    Settings::resolve(&format!("host=h {text}").parse::<Config>().expect("parses"))
        .expect("resolves")
}

fn loaded(text: &str) -> Result<Credentials, Fault> {
    load(&settings(text))
}

fn fault(text: &str) -> String {
    match loaded(text) {
        Ok(_) => panic!("{text} was taken"),
        Err(fault) => fault.to_string(),
    }
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().expect("a folder"))
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>, mode: u32) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, content).expect("written");
        set_mode(&path, mode);
        path
    }
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("permissions");
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) {}

fn certificate() -> (String, KeyPair) {
    let key = KeyPair::generate().expect("key");
    let certificate = CertificateParams::default().self_signed(&key).expect("certificate");
    (certificate.pem(), key)
}

const WEAK: [&str; 3] = ["allow", "prefer", "require"];

#[test]
fn the_root_file_decides_and_not_the_mode() {
    let folder = Folder::new();
    let root = folder.write("root.crt", certificate().0, 0o644);
    for mode in ["allow", "prefer", "require", "verify-ca", "verify-full"] {
        let trust =
            loaded(&format!("sslmode={mode} sslrootcert={}", root.display())).expect("loads").trust;
        assert!(
            matches!(trust, Trust::Roots { certificates, revocation: None } if certificates.len() == 1),
            "{mode}"
        );
    }
    for mode in WEAK {
        for root in ["", "sslrootcert=/nowhere/root.crt"] {
            let trust = loaded(&format!("sslmode={mode} {root}")).expect("loads").trust;
            assert_eq!(trust, Trust::Anything, "{mode} {root}");
        }
    }
    for mode in ["verify-ca", "verify-full"] {
        assert!(fault(&format!("sslmode={mode}")).contains(mode));
        assert!(
            fault(&format!("sslmode={mode} sslrootcert=/nowhere/root.crt"))
                .contains("/nowhere/root.crt")
        );
    }
    assert_eq!(
        loaded("sslrootcert=system").expect("loads").trust,
        Trust::System { given: None, revocation: None }
    );
}

#[test]
fn files_stand_in_for_the_systems_store_and_what_cannot_be_read_is_left_out() {
    let folder = Folder::new();
    let (first, second) = (certificate().0, certificate().0);
    let both = folder.write("both", format!("{first}{second}"), 0o644);
    let broken = folder.write("broken", "-----BEGIN CERTIFICATE-----\n%%%%\n", 0o644);
    let empty = folder.write("empty", "", 0o644);
    let given = |files: &[&Path]| {
        let config = "host=h sslrootcert=system".parse::<Config>().expect("parses");
        let settings = Settings::resolve(&config.system_store(files.iter().copied()));
        match load(&settings.expect("resolves")).expect("loads").trust {
            Trust::System { given: Some(given), revocation: None } => given.len(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(given(&[&both]), 2);
    assert_eq!(given(&[&broken, Path::new("/nowhere/store"), &both, &both]), 4);
    assert_eq!((given(&[&empty]), given(&[])), (0, 0));
    // It asks for nothing by itself.
    let config = "host=h".parse::<Config>().expect("parses").system_store([&both]);
    let trust = load(&Settings::resolve(&config).expect("resolves")).expect("loads").trust;
    assert_eq!(trust, Trust::Anything);
}

#[test]
fn a_root_file_that_is_there_and_useless_fails_every_mode() {
    let folder = Folder::new();
    let empty = folder.write("empty", "", 0o644);
    let text = folder.write("text", "no certificate here\n", 0o644);
    let broken = folder.write(
        "broken",
        "-----BEGIN CERTIFICATE-----\n%%%%\n-----END CERTIFICATE-----\n",
        0o644,
    );
    let half = folder.write("half", &certificate().0[..100], 0o644);
    let mut mixed = certificate().0;
    mixed.push_str("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n");
    let mixed = folder.write("mixed", mixed, 0o644);
    for mode in WEAK.into_iter().chain(["verify-ca", "verify-full"]) {
        for path in [&mixed, &empty, &text, &broken, &half, &folder.0.path().to_owned()] {
            fault(&format!("sslmode={mode} sslrootcert={}", path.display()));
        }
    }
    let pem = Config::new().set("host", "h").expect("set").root_certificates_pem("");
    assert!(load(&Settings::resolve(&pem).expect("resolves")).is_err());
    let pem = Config::new().set("host", "h").expect("set").root_certificates_pem(certificate().0);
    assert!(matches!(
        load(&Settings::resolve(&pem).expect("resolves")).expect("loads").trust,
        Trust::Roots { .. }
    ));
    assert!(Connector::from_config(&pem).is_ok());
}

#[test]
fn a_client_certificate_needs_its_key_and_a_missing_one_is_not_shown() {
    let folder = Folder::new();
    let (certificate, key) = certificate();
    let cert = folder.write("client.crt", certificate, 0o644);
    let key = folder.write("client.key", key.serialize_pem(), 0o600);
    let both = format!("sslcert={} sslkey={}", cert.display(), key.display());
    assert!(loaded(&both).expect("loads").identity.is_some());
    assert!(loaded(&format!("{both} sslcertmode=disable")).expect("loads").identity.is_none());
    assert!(loaded("").expect("loads").identity.is_none());
    assert!(loaded("sslcert=/nowhere/x sslkey=/nowhere/y").expect("loads").identity.is_none());
    fault(&format!("sslcert={}", cert.display()));
    fault(&format!("sslcert={} sslkey=/nowhere/y", cert.display()));
    fault(&format!("sslcert={} sslkey={}", key.display(), key.display()));
    fault(&format!(
        "sslcert={} sslkey={}",
        cert.display(),
        folder.write("empty", "", 0o600).display()
    ));
    fault(&format!("sslcert={} sslkey={}", cert.display(), folder.0.path().display()));
}

#[test]
fn a_private_key_without_real_line_breaks_is_not_quoted() {
    let (certificate, key) = certificate();
    let key = key.serialize_pem();
    let secret = key.lines().nth(1).expect("base64");
    let bytes = format!("{:?}", secret.as_bytes());
    let bytes = bytes.trim_matches(['[', ']']);
    let flat = |breaks: &str| key.trim_end().replace('\n', breaks);
    for (what, bad) in [
        ("a literal \\n", flat("\\n")),
        ("blanks", flat(" ")),
        ("no end line", key.lines().take(2).collect::<Vec<_>>().join("\n")),
        ("no base64", key.replace(secret, &format!("{secret}%"))),
    ] {
        let config = Config::new()
            .set("host", "h")
            .expect("set")
            .client_certificate_pem(certificate.as_str(), bad.as_str());
        let Err(fault) = load(&Settings::resolve(&config).expect("resolves")) else {
            panic!("{what} was taken");
        };
        let told = format!("{fault} {fault:?}");
        assert!(!told.contains(secret) && !told.contains(bytes), "{what}: {told}");
        assert!(told.contains("the private key given as PEM"), "{what}: {told}");
    }
}

#[cfg(unix)]
#[test]
fn a_key_that_others_may_read_is_refused() {
    let folder = Folder::new();
    let (certificate, key) = certificate();
    let cert = folder.write("client.crt", certificate, 0o644);
    let key = folder.write("client.key", key.serialize_pem(), 0o600);
    let both = format!("sslcert={} sslkey={}", cert.display(), key.display());
    let is_root = std::os::unix::fs::MetadataExt::uid(&fs::metadata(&key).expect("there")) == 0;
    for (mode, passes) in [
        (0o600, true),
        (0o400, true),
        (0o640, is_root),
        (0o660, false),
        (0o644, false),
        (0o604, false),
    ] {
        set_mode(&key, mode);
        assert_eq!(loaded(&both).is_ok(), passes, "{mode:o}");
    }
}

#[test]
fn keys_come_in_many_forms() {
    use openssl::ec::{EcGroup, EcKey};
    use openssl::nid::Nid;
    use openssl::rsa::Rsa;
    let folder = Folder::new();
    let cert = folder.write("client.crt", certificate().0, 0o644);
    let rsa = Rsa::generate(2048).expect("key");
    let ec = EcKey::generate(&EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).expect("curve"))
        .expect("key");
    let pkcs8 = openssl::pkey::PKey::from_rsa(rsa.clone()).expect("key");
    for (what, bytes) in [
        ("PKCS #1", rsa.private_key_to_pem().expect("PEM")),
        ("PKCS #1, DER", rsa.private_key_to_der().expect("DER")),
        ("SEC 1", ec.private_key_to_pem().expect("PEM")),
        ("PKCS #8", pkcs8.private_key_to_pem_pkcs8().expect("PEM")),
        ("PKCS #8, DER", pkcs8.private_key_to_pkcs8().expect("DER")),
    ] {
        let key = folder.write("client.key", bytes, 0o600);
        let identity = loaded(&format!("sslcert={} sslkey={}", cert.display(), key.display()));
        assert!(identity.expect(what).identity.is_some(), "{what}");
    }
}

#[test]
fn revocation_lists_that_are_missing_or_empty_are_none_and_garbage_is_not() {
    let folder = Folder::new();
    let root = folder.write("root.crt", certificate().0, 0o644);
    let lists = |more: &str| match loaded(&format!("sslrootcert={} {more}", root.display()))
        .expect("loads")
        .trust
    {
        Trust::Roots { revocation, .. } => revocation,
        other => panic!("{other:?}"),
    };
    assert_eq!(lists(""), None);
    assert_eq!(lists("sslcrl=/nowhere/crl"), None);
    assert_eq!(lists(&format!("sslcrl={}", folder.write("empty", "", 0o644).display())), None);
    assert_eq!(lists("sslcrldir=/nowhere"), Some(vec![]), "a missing folder lets nothing pass");
    let list = "-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n";
    let file = folder.write("crl", list, 0o644);
    assert_eq!(lists(&format!("sslcrl={}", file.display())).map(|lists| lists.len()), Some(1));
    let both = folder.write("both.crt", certificate().0 + list, 0o644);
    let with_both = |more: &str| match loaded(&format!("sslrootcert={} {more}", both.display()))
        .expect("loads")
        .trust
    {
        Trust::Roots { certificates, revocation } => {
            (certificates.len(), revocation.map(|lists| lists.len()))
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(with_both(""), (1, None));
    let listed = format!("sslcrl={}", file.display());
    assert_eq!(with_both(&listed), (1, Some(2)), "lists among the roots count as well");
    let crls = tempfile::tempdir().expect("a folder");
    std::fs::write(crls.path().join("a.r0"), list).expect("written");
    assert_eq!(
        lists(&format!("sslcrldir={}", crls.path().display())).map(|lists| lists.len()),
        Some(1)
    );
    // A folder cannot be read as a file, whoever one is.
    fault(&format!("sslrootcert={} sslcrl={}", root.display(), folder.0.path().display()));
    let home = |name: &str| {
        let config = format!("host=h sslrootcert={}", root.display()).parse::<Config>();
        let config = config.expect("parses").with_home(folder.0.path().join(name));
        match load(&Settings::resolve(&config).expect("resolves")).expect("loads").trust {
            Trust::Roots { revocation, .. } => revocation.map(|lists| lists.len()),
            other => panic!("{other:?}"),
        }
    };
    std::fs::create_dir_all(folder.0.path().join("odd/.postgresql/root.crl")).expect("made");
    std::fs::create_dir_all(folder.0.path().join("full/.postgresql")).expect("made");
    folder.write("full/.postgresql/root.crl", list, 0o644);
    assert_eq!((home("none"), home("odd"), home("full")), (None, None, Some(1)));
    for garbage in ["garbage", "-----BEGIN X509 CRL-----\n%%\n-----END X509 CRL-----\n"] {
        let file = folder.write("garbage", garbage, 0o644);
        fault(&format!("sslrootcert={} sslcrl={}", root.display(), file.display()));
    }
    assert_eq!(
        loaded(&format!("sslcrl={}", file.display())).expect("loads").trust,
        Trust::Anything,
        "no chain, no lists"
    );
}

/// Were one of them opened, nobody would ever write to it.
#[cfg(unix)]
#[test]
fn a_fifo_is_refused_and_not_waited_for() {
    let folder = Folder::new();
    let fifo = folder.0.path().join("fifo");
    let made = std::process::Command::new("mkfifo").args(["-m", "600"]).arg(&fifo).status();
    assert!(made.expect("mkfifo").success());
    let (root, key) = certificate();
    let root = folder.write("root", &root, 0o644);
    let good_key = folder.write("key", key.serialize_pem(), 0o600);
    let (fifo, root, key) = (fifo.display(), root.display(), good_key.display());
    for text in [
        format!("sslrootcert={fifo}"),
        format!("sslrootcert={root} sslcrl={fifo}"),
        format!("sslcert={fifo} sslkey={key}"),
        format!("sslcert={root} sslkey={fifo}"),
    ] {
        let (sender, outcome) = std::sync::mpsc::channel();
        let asked = text.clone();
        std::thread::spawn(move || sender.send(loaded(&asked).err()));
        let fault = outcome.recv_timeout(std::time::Duration::from_secs(30));
        let fault = fault.unwrap_or_else(|_| panic!("{text}: still waiting")).expect("a fault");
        let why = std::error::Error::source(&fault).map(ToString::to_string);
        assert_eq!(why.as_deref(), Some("it is not a regular file"), "{text}: {fault}");
    }
}
