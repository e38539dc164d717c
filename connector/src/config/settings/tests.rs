//! What connection strings mean, and what is refused before anything is sent.

use super::*;

fn settings(text: &str) -> Settings {
    resolved(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn resolved(text: &str) -> Result<Settings, Error> {
    text.parse::<Config>().and_then(|config| Settings::resolve(&config))
}

fn refused(text: &str) -> String {
    match resolved(text) {
        Ok(_) => panic!("{text} was taken"),
        Err(error) => {
            assert!(error.is_configuration(), "{text}");
            error.to_string()
        }
    }
}

#[test]
fn defaults_are_libpqs() {
    let settings = settings("host=h");
    assert_eq!(settings.mode, SslMode::Prefer);
    assert!(!settings.direct && settings.sni && !settings.shuffle);
    assert_eq!(settings.root, RootSource::None);
    assert_eq!((settings.min_version, settings.max_version), (Some(TlsVersion::V1_2), None));
    assert_eq!(settings.binding, Binding::Prefer);
    assert_eq!(settings.timeout, None);
    assert_eq!(settings.targets, [Endpoint::by_name("h".into(), 5432)]);
    assert_eq!(settings.revocation, Revocation::default());
    assert!(settings.identity == Identity::None);
    assert!(settings.tcp.keepalives);
}

#[test]
fn every_mode_has_its_word_and_nonsense_has_none() {
    for (word, mode) in MODES {
        assert_eq!(settings(&format!("host=h sslmode={word}")).mode, *mode);
        assert_eq!(mode.to_string(), *word);
    }
    for bad in ["nonsense", "", "REQUIRE", "verify"] {
        assert!(refused(&format!("host=h sslmode='{bad}'")).contains("sslmode"), "{bad}");
    }
}

#[test]
fn the_system_store_makes_verify_full_the_default_and_takes_nothing_weaker() {
    assert_eq!(settings("host=h sslrootcert=system").mode, SslMode::VerifyFull);
    assert_eq!(
        settings("host=h sslrootcert=system sslmode=verify-full").root,
        RootSource::System(SystemStore::Platform)
    );
    for (word, mode) in MODES {
        if *mode != SslMode::VerifyFull {
            assert!(
                refused(&format!("host=h sslrootcert=system sslmode={word}"))
                    .contains("weak sslmode"),
                "{word}"
            );
        }
    }
}

#[test]
fn pem_text_beside_a_file_or_the_system_is_refused_and_weakens_nothing() {
    let config = |text: &str| text.parse::<Config>().expect("parses");
    for twice in ["sslrootcert=system", "sslrootcert=/ca.pem"] {
        let config = config(&format!("host=h {twice}")).root_certificates_pem("pem");
        assert!(Settings::resolve(&config).is_err(), "{twice}");
    }
    for twice in ["sslcert=/a", "sslkey=/b"] {
        let config = config(&format!("host=h {twice}")).client_certificate_pem("chain", "key");
        assert!(Settings::resolve(&config).is_err(), "{twice}");
    }
    let environment =
        |name: &'static str| Ok((name == "PGSSLROOTCERT").then(|| "system".to_owned()));
    let with = |text: &str| {
        let config = config(text).with_variables(environment).expect("taken");
        Settings::resolve(&config.root_certificates_pem("pem")).expect("resolves")
    };
    let settings = with("host=h");
    assert_eq!(
        (settings.mode, settings.root),
        (SslMode::VerifyFull, RootSource::Pem(b"pem".to_vec()))
    );
    assert_eq!(with("host=h sslmode=require").mode, SslMode::Require);
    assert_eq!(with("host=h sslrootcert=''").mode, SslMode::Prefer);
}

#[test]
fn direct_negotiation_needs_require_or_stronger() {
    for weak in ["", "sslmode=disable", "sslmode=allow", "sslmode=prefer"] {
        assert!(
            refused(&format!("host=h sslnegotiation=direct {weak}")).contains("weak sslmode"),
            "{weak}"
        );
        assert!(
            refused(&format!("host=/tmp sslnegotiation=direct {weak}")).contains("weak sslmode"),
            "{weak}"
        );
    }
    for strong in ["require", "verify-ca", "verify-full"] {
        assert!(settings(&format!("host=h sslnegotiation=direct sslmode={strong}")).direct);
    }
    assert!(settings("host=h sslnegotiation=direct sslrootcert=system").direct);
}

#[test]
fn host_lists_are_read_side_by_side() {
    let several = settings("host=a,b hostaddr=127.0.0.1,::1 port=1,");
    assert_eq!(
        several.targets,
        [
            Endpoint::by_name("a".into(), 1).at(([127, 0, 0, 1], 1).into()),
            Endpoint::by_name("b".into(), 5432).at("[::1]:5432".parse().expect("address")),
        ]
    );
    assert_eq!(settings("host=a,b port=7").targets[1].port(), 7);
    assert_eq!(
        settings("hostaddr=127.1").targets[0].address(),
        Some(([127, 0, 0, 1], 5432).into())
    );
    assert_eq!(
        settings("host=/run/pg port=7").targets[0].socket_path(),
        Some(Path::new("/run/pg/.s.PGSQL.7"))
    );
    assert_eq!(settings("host=a,b hostaddr=,::1").targets[0], Endpoint::by_name("a".into(), 5432));
    for bad in [
        "",
        "host=''",
        "host=a,b hostaddr=::1",
        "host=a,b port=1,2,3",
        "host=a port=0",
        "host=a port=65536",
        "host=a port=x",
        "hostaddr=localhost",
        "host=a,,b",
        "host=@abstract",
    ] {
        refused(bad);
    }
}

#[test]
fn urls_say_the_same() {
    let url = settings(
        "postgres://u:p@a:1,[::1]:2/d?sslmode=verify-ca&sslrootcert=%2Fca.pem&connect_timeout=3",
    );
    assert_eq!(url.targets.len(), 2);
    assert_eq!((url.targets[1].host(), url.targets[1].port()), ("::1", 2));
    assert_eq!(url.mode, SslMode::VerifyCa);
    assert_eq!(url.root, RootSource::File("/ca.pem".into()));
    assert_eq!(url.timeout, Some(Duration::from_secs(3)));
    assert_eq!(url.login.get_user(), Some("u"));
    assert_eq!(url.login.get_password(), Some(&b"p"[..]));
    assert_eq!(url.login.get_dbname(), Some("d"));
}

#[test]
fn the_last_value_counts_and_an_empty_password_is_none() {
    assert_eq!(settings("host=h sslmode=require sslmode=disable").mode, SslMode::Disable);
    assert_eq!(settings("host=h password=''").login.get_password(), None);
    assert_eq!(settings("host=h requiressl=1").mode, SslMode::Require);
    let named = settings("host=h application_name=a fallback_application_name=b");
    assert_eq!(named.login.get_application_name(), Some("a"));
    let fallback = settings("host=h fallback_application_name=b");
    assert_eq!(fallback.login.get_application_name(), Some("b"));
}

#[test]
fn numbers_and_versions() {
    let settings = settings(
        "host=h connect_timeout=-1 keepalives=0 keepalives_idle=5 keepalives_retries=2 tcp_user_timeout=1500 \
         ssl_min_protocol_version='' ssl_max_protocol_version=tlsv1.3 sslsni=0 load_balance_hosts=random",
    );
    assert_eq!(settings.timeout, None);
    assert!(!settings.tcp.keepalives && !settings.sni && settings.shuffle);
    assert_eq!((settings.tcp.idle, settings.tcp.count), (Some(Duration::from_secs(5)), Some(2)));
    assert_eq!(settings.tcp.user_timeout, Some(Duration::from_millis(1500)));
    assert_eq!((settings.min_version, settings.max_version), (None, Some(TlsVersion::V1_3)));
    for bad in [
        "connect_timeout=soon",
        "ssl_min_protocol_version=SSLv3",
        "ssl_min_protocol_version=TLSv1.3 ssl_max_protocol_version=TLSv1.2",
        "ssl_max_protocol_version=TLSv1.1",
        "channel_binding=maybe",
        "target_session_attrs=fast",
        "sslnegotiation=late",
        "load_balance_hosts=always",
    ] {
        refused(&format!("host=h {bad}"));
    }
}

#[test]
fn the_server_name_is_sent_only_where_sslsni_begins_with_1() {
    for (value, sent) in [("1", true), ("10", true), ("0", false), ("off", false), ("2", false)] {
        assert_eq!(settings(&format!("host=h sslsni={value}")).sni, sent, "{value}");
    }
    assert!(!settings("host=h sslsni=''").sni);
}

#[test]
fn what_is_not_supported_is_refused_and_not_passed_over() {
    for bad in [
        "gssencmode=require",
        "krbsrvname=pg",
        "require_auth=scram-sha-256",
        "requirepeer=postgres",
        "passfile=/x",
        "service=x",
        "sslpassword=x",
        "sslcertmode=require",
        "replication=database",
        "client_encoding=LATIN1",
        "min_protocol_version=3.2",
        "sslmodes=require",
        "SSLMODE=require",
    ] {
        let text = refused(&format!("host=h {bad}"));
        assert!(text.contains(bad.split('=').next().expect("a key")), "{text}");
    }
    for harmless in [
        "gssencmode=prefer",
        "gssencmode=disable",
        "sslcompression=0",
        "client_encoding=UTF8",
        "service=''",
    ] {
        settings(&format!("host=h {harmless}"));
    }
}

#[test]
fn the_environment_and_the_home_folder_count_only_when_asked_and_only_where_nothing_is_set() {
    let variables = |name: &'static str| {
        Ok(match name {
            "PGSSLMODE" => Some("verify-ca".to_owned()),
            "PGSSLROOTCERT" => Some("/env/root.pem".to_owned()),
            "PGHOST" => Some("env".to_owned()),
            _ => None,
        })
    };
    let config = Config::new()
        .set("host", "set")
        .and_then(|config| config.with_variables(variables))
        .expect("taken");
    let with = Settings::resolve(&config).expect("resolves");
    assert_eq!(with.targets[0].host(), "set");
    assert_eq!(
        (with.mode, &with.root),
        (SslMode::VerifyCa, &RootSource::File("/env/root.pem".into()))
    );
    // A later call of `set` and an earlier one count the same.
    let later =
        Settings::resolve(&config.set("sslmode", "require").expect("taken")).expect("resolves");
    assert_eq!(later.mode, SslMode::Require);

    let at_home = Config::new().set("host", "h").expect("taken").with_home("/home/me");
    let home = Settings::resolve(&at_home).expect("resolves");
    assert_eq!(home.root, RootSource::File("/home/me/.postgresql/root.crt".into()));
    let list = ListFile::AtHome("/home/me/.postgresql/root.crl".into());
    assert_eq!(home.revocation.file, Some(list));
    assert!(matches!(home.identity, Identity::Files { key: Some(_), .. }));
    let disabled = at_home.clone().set("sslcertmode", "disable").expect("taken");
    assert!(Settings::resolve(&disabled).expect("resolves").identity == Identity::None);
    let named =
        Settings::resolve(&at_home.set("sslcrldir", "/crls").expect("taken")).expect("resolves");
    assert_eq!(named.revocation, Revocation { file: None, folder: Some("/crls".into()) });
}

#[test]
fn the_environment_may_not_ask_for_what_is_not_done() {
    let service = |name: &'static str| Ok((name == "PGSERVICE").then(|| "prod".to_owned()));
    assert!(Config::new().with_variables(service).is_err());
    let old = |name: &'static str| Ok((name == "PGREQUIRESSL").then(|| "1".to_owned()));
    let config = Config::new()
        .set("host", "h")
        .and_then(|config| config.with_variables(old))
        .expect("taken");
    assert_eq!(Settings::resolve(&config).expect("resolves").mode, SslMode::Require);
}

#[test]
fn secrets_are_not_shown() {
    let config: Config = "host=h password=hunter2".parse().expect("parses");
    let shown = format!("{:?}", config.client_certificate_pem("chain", "key text"));
    assert!(!shown.contains("hunter2") && !shown.contains("key text"), "{shown}");
}

#[test]
fn errors_repeat_nothing_that_may_be_a_password() {
    for bad in [
        "postgresql+psycopg://app:s3cret@h/db",
        "postgresql+psycopg://app:s3cret@h/db?sslmode=require",
        "jdbc:postgresql://app:s3cret@h/db",
        " postgres://app:s3cret@h/db",
        "POSTGRES://app:s3cret@h/db",
        "app:s3cret@h/db?sslmode=require",
        "app:s3cret@h/db",
        "postgres://app:s3cret/x@db/shop",
        "postgres://app:x/s3cret@db/shop",
        "postgres://[app]:s3cret",
        "postgres://app:p@h/db?password=ab&s3cret",
        "postgres://app:p@h/db?password=ab&s3cret=c=d",
        "postgres://app:p@h/db?s3cret%zz=1",
        "password=correct s3cret host=h",
        "host=h password=correct s3cret",
        "host=h s3cret/='open",
        "host=h sslmode=require;password=s3cret",
        "host=h connect_timeout=5;password=s3cret",
        "host=h ssl_min_protocol_version=TLSv1.2;password=s3cret",
        "host=h gssencmode=disable;password=s3cret",
        "hostaddr=::1;password=s3cret",
        "host=h port=s3cret",
    ] {
        let error = resolved(bad).err().unwrap_or_else(|| panic!("{bad} was taken"));
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{bad}: {error}");
    }
    assert!(refused("postgresql+psycopg://h/db").contains("begins with postgres://"));
    assert!(refused("host=h sslmode=verify-ful").contains("\"verify-ful\""), "a slip is named");
    settings("host=h options=a://b");
}
