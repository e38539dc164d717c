//! The reference against what real libpq did on a real PostgreSQL: every row of `measured/`.

use std::{ffi::OsStr, fs, path::Path};

use pgtls_conformance::{
    axes::Axes,
    reference::{self, Version},
};

#[test]
fn the_reference_agrees_with_every_measured_row() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/measured");
    let mut rows = 0;
    let mut wrong = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder of measured tables") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "tsv") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("a table");
        // What the table holds of all its rows, and says in its comments.
        let implied = match path.file_stem().and_then(OsStr::to_str) {
            Some("direct") => "sslnegotiation=direct",
            Some("names") => "sslmode=verify-full,sslrootcert=right",
            Some("client-cert") => "auth=cert",
            Some("cancel") => "then=cancel",
            // Wrong passwords and unknown databases are no axis.
            Some("login") => continue,
            _ => "default",
        };
        let mut lines = text.lines().filter(|line| !line.starts_with('#'));
        let header: Vec<&str> = lines.next().expect("a header").split('\t').collect();
        for line in lines {
            let mut axes: Axes = implied.parse().expect("axes");
            let mut version = Version::default();
            let mut measured = "";
            let mut call = "";
            for (column, value) in header.iter().zip(line.split('\t')) {
                match *column {
                    "libpq" => version = value.parse().expect("a version"),
                    "call" => call = value,
                    "trace" => measured = value,
                    axis => axes.set(axis, value).expect("an axis and its value"),
                }
            }
            // libpq 17 has both functions; the reference's client takes the one that is meant for TLS.
            if call == "PQcancel" && version >= Version::V17 {
                continue;
            }
            rows += 1;
            let predicted = reference::predict(&axes, version).to_string();
            if predicted != measured {
                let file = path.file_name().unwrap_or_default().display();
                wrong.push(format!("{file}: libpq {version} {axes}\n  measured  {measured}\n  predicted {predicted}"));
            }
        }
    }
    assert!(rows > 15_000, "only {rows} rows were read");
    assert!(wrong.is_empty(), "{} of {rows} rows differ:\n{}", wrong.len(), wrong.join("\n"));
}
