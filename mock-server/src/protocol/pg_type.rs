//! The usual types of PostgreSQL, with what `pg_type` says of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A type by its name in `pg_type`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PgType {
    Bool,
    Bytea,
    Char,
    Name,
    Int8,
    Int2,
    Int4,
    #[default]
    Text,
    Oid,
    Json,
    Xml,
    Cidr,
    Float4,
    Float8,
    Unknown,
    Money,
    Macaddr,
    Inet,
    Bpchar,
    Varchar,
    Date,
    Time,
    Timestamp,
    Timestamptz,
    Interval,
    Timetz,
    Numeric,
    Regclass,
    Record,
    Void,
    Uuid,
    Jsonb,
}

impl PgType {
    /// Every type here.
    pub(crate) const ALL: [Self; 32] = [
        Self::Bool,
        Self::Bytea,
        Self::Char,
        Self::Name,
        Self::Int8,
        Self::Int2,
        Self::Int4,
        Self::Text,
        Self::Oid,
        Self::Json,
        Self::Xml,
        Self::Cidr,
        Self::Float4,
        Self::Float8,
        Self::Unknown,
        Self::Money,
        Self::Macaddr,
        Self::Inet,
        Self::Bpchar,
        Self::Varchar,
        Self::Date,
        Self::Time,
        Self::Timestamp,
        Self::Timestamptz,
        Self::Interval,
        Self::Timetz,
        Self::Numeric,
        Self::Regclass,
        Self::Record,
        Self::Void,
        Self::Uuid,
        Self::Jsonb,
    ];

    /// Its `oid`.
    pub(crate) const fn oid(self) -> u32 {
        self.facts().0
    }

    /// The size of its values in bytes, its `typlen`: -1 if it varies, -2 for a C string.
    pub(crate) const fn size(self) -> i16 {
        self.facts().1
    }

    const fn facts(self) -> (u32, i16) {
        match self {
            Self::Bool => (16, 1),
            Self::Bytea => (17, -1),
            Self::Char => (18, 1),
            Self::Name => (19, 64),
            Self::Int8 => (20, 8),
            Self::Int2 => (21, 2),
            Self::Int4 => (23, 4),
            Self::Text => (25, -1),
            Self::Oid => (26, 4),
            Self::Json => (114, -1),
            Self::Xml => (142, -1),
            Self::Cidr => (650, -1),
            Self::Float4 => (700, 4),
            Self::Float8 => (701, 8),
            Self::Unknown => (705, -2),
            Self::Money => (790, 8),
            Self::Macaddr => (829, 6),
            Self::Inet => (869, -1),
            Self::Bpchar => (1042, -1),
            Self::Varchar => (1043, -1),
            Self::Date => (1082, 4),
            Self::Time => (1083, 8),
            Self::Timestamp => (1114, 8),
            Self::Timestamptz => (1184, 8),
            Self::Interval => (1186, 16),
            Self::Timetz => (1266, 12),
            Self::Numeric => (1700, -1),
            Self::Regclass => (2205, 4),
            Self::Record => (2249, -1),
            Self::Void => (2278, 4),
            Self::Uuid => (2950, 16),
            Self::Jsonb => (3802, -1),
        }
    }
}
