//! The types of columns that a question may ask for, each with the value that an honest server gives.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Defines [`ColumnType`] from a table of variants, names in SQL, and honest values as SQL literals.
macro_rules! column_types {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $value:literal;)*) => {
        /// The type of a column that a client is to read as its driver's natural value.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
        )]
        #[non_exhaustive]
        pub enum ColumnType {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)*
        }

        impl ColumnType {
            /// Every type, in the contract's order.
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$variant),*];

            /// The type's name in the contract, which is its name in SQL.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The literal of the value that a question asks for: SQL without the cast.
            const fn literal(self) -> &'static str {
                match self { $(Self::$variant => $value,)* }
            }
        }
    };
}

column_types! {
    /// 16 bits.
    Int2 = "int2", "7";
    /// 32 bits.
    Int4 = "int4", "1234567";
    /// 64 bits.
    Int8 = "int8", "1234567890123456789";
    /// Single precision.
    Float4 = "float4", "1.5";
    /// Double precision.
    Float8 = "float8", "2.25";
    /// Digits to the base of 10,000, before and behind the point.
    Numeric = "numeric", "12345.678";
    /// True or false.
    Bool = "bool", "true";
    /// Bytes.
    Bytea = "bytea", r"'\x00ff10'";
    /// Characters.
    Text = "text", "'text'";
    /// Microseconds since 2000, in no time zone.
    Timestamp = "timestamp", "'2024-02-29 12:34:56.789'";
    /// Microseconds since 2000, in UTC.
    Timestamptz = "timestamptz", "'2024-02-29 12:34:56.789+00'";
    /// Days since 2000.
    Date = "date", "'2024-02-29'";
    /// 128 bits.
    Uuid = "uuid", "'550e8400-e29b-41d4-a716-446655440000'";
    /// JSON as text.
    Json = "json", r#"'{"a": [1, null]}'"#;
    /// JSON as it was understood: text behind a version.
    Jsonb = "jsonb", r#"'{"a": [1, null]}'"#;
    /// An array with a NULL in it.
    Int4Array = "int4[]", "'{1,NULL,3}'";
    /// An array of texts with a NULL in it.
    TextArray = "text[]", r#"'{one,NULL,"two words"}'"#;
    /// Keys and values: a type of an extension, so that its oid differs from server to server.
    Hstore = "hstore", r#"'"a"=>"1", "b"=>NULL'"#;
}

impl ColumnType {
    /// The query that asks for one row: the number as int4, and an honest value of each of these types
    /// behind it.
    ///
    /// ```
    /// use pgtls_conformance::shim::ColumnType;
    ///
    /// let query = ColumnType::query(48151, &[ColumnType::Int2, ColumnType::Text]);
    /// assert_eq!(query, "SELECT 48151::int4, 7::int2, 'text'::text");
    /// ```
    #[must_use]
    pub fn query(number: i32, columns: &[Self]) -> String {
        let mut query = format!("SELECT {number}::int4");
        for column in columns {
            query.push_str(&format!(", {}::{column}", column.literal()));
        }
        query
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
