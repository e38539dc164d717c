//! The values of axes, for the script's schema.

use schemars::{Schema, SchemaGenerator, json_schema};

use crate::axes::{Certificate, Key, TlsVersions};

pub(super) fn certificates(_: &mut SchemaGenerator) -> Schema {
    one_of(Certificate::ALL.iter().map(|value| value.name()))
}

pub(super) fn keys(_: &mut SchemaGenerator) -> Schema {
    one_of(Key::ALL.iter().map(|value| value.name()))
}

pub(super) fn versions(_: &mut SchemaGenerator) -> Schema {
    one_of(TlsVersions::ALL.iter().map(|value| value.name()))
}

fn one_of<'a>(names: impl Iterator<Item = &'a str>) -> Schema {
    json_schema!({"enum": names.collect::<Vec<_>>()})
}
