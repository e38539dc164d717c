//! Scenarios that go wrong on purpose: what they may leave behind is looked for.

use super::scenarios::Scenario;

/// Servers over which a client fails, late and in many ways; or waits, or comes again.
pub(crate) fn scenarios() -> Vec<Scenario> {
    let welcome = r#""startup": [{"send": ["welcome"]}]"#;
    let on_query = |answer: &str| {
        let session = format!(r#""session": [{{"on": "any", "do": [{answer}]}}]"#);
        format!(r#"{{"connections": [{{{welcome}, {session}}}]}}"#)
    };
    let scripts = [
        r#"{"connections": [{"accept": ["silence"]}]}"#.to_owned(),
        r#"{"connections": [{"accept": ["reset"]}]}"#.to_owned(),
        r#"{"connections": [{"ssl_request": [{"send": [{"text": "S"}]}, "silence"]}]}"#.to_owned(),
        r#"{"connections": [{"ssl_request": [{"send": [{"text": "S"}]}, {"send": [{"hex": "1503030002"}]}, "close"]}]}"#.to_owned(),
        r#"{"connections": [{"startup": ["silence"]}]}"#.to_owned(),
        r#"{"connections": [{"tls": {"certificate": "expired"}}]}"#.to_owned(),
        r#"{"connections": [{"startup": [{"send": [{"hex": "5200000003"}]}]}]}"#.to_owned(),
        format!(r#"{{"idle_timeout_ms": 100, "connections": [{{{welcome}}}]}}"#),
        on_query(r#"{"send": [{"hex": "44 00000003"}]}, "close""#),
        on_query(r#"{"send": [{"hex": "5400000010 7fff"}]}, "silence""#),
        on_query(r#"{"repeat": {"times": 500, "steps": [{"send": [{"parameter_status": {}}]}]}}, "reset""#),
    ];
    let modes = ["sslmode=prefer,sslrootcert=right", "sslmode=verify-full,sslrootcert=right"];
    let scenario = |(mode, script): (&str, &String)| Scenario::new(mode, script, None);
    modes
        .iter()
        .flat_map(|mode| scripts.iter().map(|script| (*mode, script)))
        .map(scenario)
        .collect()
}
