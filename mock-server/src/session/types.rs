//! The types that answers have, and the oids of those that parameters are cast to.

use super::token::Token;
use crate::protocol::pg_type::PgType;

/// The type of a column: one value, or an array of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Of(Scalar),
    ArrayOf(Scalar),
}

/// The type of one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scalar {
    /// One that `pg_type` has from the beginning.
    BuiltIn(PgType),
    /// An extension's, as if it had been the first to be created.
    Hstore,
}

/// The oid of hstore, which shims are told: the first that a new database gives away is 16384
/// (`FirstNormalObjectId`).
const HSTORE: u32 = 16385;
/// The oid of its array, which `CREATE TYPE` makes behind it.
const HSTORE_ARRAY: u32 = 16390;

impl Scalar {
    /// `oid` in `pg_type`.
    pub(super) const fn oid(self) -> u32 {
        match self {
            Self::BuiltIn(known) => known.oid(),
            Self::Hstore => HSTORE,
        }
    }

    /// `typarray` in `pg_type`.
    pub(super) const fn array_oid(self) -> u32 {
        match self {
            Self::BuiltIn(known) => known.array_oid(),
            Self::Hstore => HSTORE_ARRAY,
        }
    }

    /// The type that a name means in SQL, if its values are known here.
    fn named(name: &str) -> Option<Self> {
        if name == "hstore" {
            return Some(Self::Hstore);
        }
        let known = PgType::in_sql(name)?;
        let has_values = matches!(
            known,
            PgType::Bool
                | PgType::Int2
                | PgType::Int4
                | PgType::Int8
                | PgType::Oid
                | PgType::Float4
                | PgType::Float8
                | PgType::Numeric
                | PgType::Bytea
                | PgType::Text
                | PgType::Date
                | PgType::Timestamp
                | PgType::Timestamptz
                | PgType::Uuid
                | PgType::Json
                | PgType::Jsonb
        );
        has_values.then_some(Self::BuiltIn(known))
    }
}

impl Type {
    pub(super) const TEXT: Self = Self::built_in(PgType::Text);
    pub(super) const BOOL: Self = Self::built_in(PgType::Bool);
    pub(super) const NUMERIC: Self = Self::built_in(PgType::Numeric);

    pub(super) const fn built_in(known: PgType) -> Self {
        Self::Of(Scalar::BuiltIn(known))
    }

    /// From pg_type.
    pub(super) const fn oid(self) -> u32 {
        match self {
            Self::Of(scalar) => scalar.oid(),
            Self::ArrayOf(scalar) => scalar.array_oid(),
        }
    }

    /// In bytes; -1 if it varies.
    pub(super) const fn size(self) -> i16 {
        match self {
            Self::Of(Scalar::BuiltIn(known)) => known.size(),
            Self::Of(Scalar::Hstore) | Self::ArrayOf(_) => -1,
        }
    }

    /// The type that a cast names, `int4`, `pg_catalog.int4` or `int4[]`; those that are not known are
    /// written as text.
    pub(super) fn named(tokens: &[Token]) -> Option<Self> {
        let (name, rest) = split_name(tokens)?;
        let scalar = Scalar::named(name)?;
        let is_array = rest.first().is_some_and(|token| token.is_symbol('['));
        Some(if is_array { Self::ArrayOf(scalar) } else { Self::Of(scalar) })
    }

    /// The type of a number as it stands in SQL.
    pub(super) fn of(number: i64) -> Self {
        let fits = i32::try_from(number).is_ok();
        Self::built_in(if fits { PgType::Int4 } else { PgType::Int8 })
    }

    /// The name that a column gets from a cast to this type; none for text, which stands for all types
    /// that are not known.
    pub(super) fn column_name(self) -> Option<&'static str> {
        let (Self::Of(scalar) | Self::ArrayOf(scalar)) = self;
        Some(match scalar {
            Scalar::Hstore => "hstore",
            Scalar::BuiltIn(known) => match known {
                PgType::Bool => "bool",
                PgType::Int2 => "int2",
                PgType::Int4 => "int4",
                PgType::Int8 => "int8",
                PgType::Oid => "oid",
                PgType::Float4 => "float4",
                PgType::Float8 => "float8",
                PgType::Numeric => "numeric",
                PgType::Bytea => "bytea",
                PgType::Date => "date",
                PgType::Timestamp => "timestamp",
                PgType::Timestamptz => "timestamptz",
                PgType::Uuid => "uuid",
                PgType::Json => "json",
                PgType::Jsonb => "jsonb",
                _ => return None,
            },
        })
    }
}

/// A type's name without its schema, and what stands behind it.
pub(super) fn split_name(tokens: &[Token]) -> Option<(&str, &[Token])> {
    let (name, rest) = match tokens {
        [schema, dot, name, rest @ ..] if dot.is_symbol('.') && schema.is_word("pg_catalog") => {
            (name, rest)
        }
        [name, rest @ ..] => (name, rest),
        [] => return None,
    };
    Some((name.identifier()?, rest))
}

/// The oid of the type in `::type`, if that is how the tokens begin and the type is known.
pub(super) fn cast_oid(tokens: &[Token]) -> Option<u32> {
    let (Token::Cast, rest) = tokens.split_first()? else { return None };
    let (name, rest) = split_name(rest)?;
    let is_array = rest.first().is_some_and(|token| token.is_symbol('['));
    let scalar = match PgType::in_sql(name) {
        Some(known) => Scalar::BuiltIn(known),
        None => Scalar::named(name)?,
    };
    if is_array { Some(scalar.array_oid()).filter(|&oid| oid != 0) } else { Some(scalar.oid()) }
}
