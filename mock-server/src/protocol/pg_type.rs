//! The usual types of PostgreSQL, with what `pg_type` says of them.

use schemars::JsonSchema;
use serde::{
    Deserialize, Serialize,
    de::value::{Error, StrDeserializer},
};

/// Defines [`PgType`]: of each type its `oid`, its `typarray` (0 for none) and its `typlen`.
macro_rules! pg_types {
    ($($(#[$attribute:meta])* $name:ident: $oid:literal, $array:literal, $size:literal;)*) => {
        /// A type by its name in `pg_type`.
        #[derive(
            Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema,
        )]
        #[serde(rename_all = "lowercase")]
        #[expect(missing_docs, reason = "the names are those of `pg_type`")]
        pub enum PgType {
            $($(#[$attribute])* $name,)*
        }

        impl PgType {
            /// Every type here.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its `oid`.
            #[must_use]
            pub const fn oid(self) -> u32 {
                match self {
                    $(Self::$name => $oid,)*
                }
            }

            /// The `oid` of its array; 0 if there is none.
            #[must_use]
            pub const fn array_oid(self) -> u32 {
                match self {
                    $(Self::$name => $array,)*
                }
            }

            /// The size of its values in bytes: -1 if it varies, -2 for a C string.
            #[must_use]
            pub const fn size(self) -> i16 {
                match self {
                    $(Self::$name => $size,)*
                }
            }
        }
    };
}

pg_types! {
    #[default]
    Text: 25, 1009, -1;
    Bool: 16, 1000, 1;
    Bytea: 17, 1001, -1;
    Char: 18, 1002, 1;
    Name: 19, 1003, 64;
    Int8: 20, 1016, 8;
    Int2: 21, 1005, 2;
    Int4: 23, 1007, 4;
    Oid: 26, 1028, 4;
    Json: 114, 199, -1;
    Xml: 142, 143, -1;
    Cidr: 650, 651, -1;
    Float4: 700, 1021, 4;
    Float8: 701, 1022, 8;
    Unknown: 705, 0, -2;
    Money: 790, 791, 8;
    Macaddr: 829, 1040, 6;
    Inet: 869, 1041, -1;
    Bpchar: 1042, 1014, -1;
    Varchar: 1043, 1015, -1;
    Date: 1082, 1182, 4;
    Time: 1083, 1183, 8;
    Timestamp: 1114, 1115, 8;
    Timestamptz: 1184, 1185, 8;
    Interval: 1186, 1187, 16;
    Timetz: 1266, 1270, 12;
    Numeric: 1700, 1231, -1;
    Regclass: 2205, 2210, 4;
    Record: 2249, 2287, -1;
    Void: 2278, 0, 4;
    Uuid: 2950, 2951, 16;
    Jsonb: 3802, 3807, -1;
}

impl PgType {
    /// The type that a name means in SQL, where some have more than one.
    #[must_use]
    pub fn in_sql(name: &str) -> Option<Self> {
        let name = match name {
            "boolean" => "bool",
            "bigint" => "int8",
            "smallint" => "int2",
            "int" | "integer" => "int4",
            "real" => "float4",
            "float" => "float8",
            "decimal" => "numeric",
            // In `pg_type` that is the name of a byte, which SQL has to quote.
            "char" | "character" => "bpchar",
            name => name,
        };
        Self::deserialize(StrDeserializer::<Error>::new(name)).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_found_and_no_oid_is_there_twice() {
        assert_eq!(PgType::in_sql("integer"), Some(PgType::Int4));
        assert_eq!(PgType::in_sql("jsonb"), Some(PgType::Jsonb));
        assert_eq!(PgType::in_sql("char"), Some(PgType::Bpchar));
        assert_eq!(PgType::in_sql("Int4"), None);
        let scalars = PgType::ALL.iter().map(|known| known.oid());
        let arrays = PgType::ALL.iter().map(|known| known.array_oid()).filter(|&oid| oid != 0);
        let all: Vec<u32> = scalars.chain(arrays).collect();
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
    }
}
