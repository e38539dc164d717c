//! Look-ups of a type in `pg_type` by its oid: what drivers ask when an answer has a type that they do not
//! know. All other look-ups have no rows.

use super::{
    column::SelectColumn,
    rows::Row,
    token::{Token, is_any, top_level},
    types::{Scalar, Type},
    value::Value,
};
use crate::protocol::pg_type::PgType;

/// A look-up: what it asks for, of which type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TypeLookup {
    columns: Vec<TypeColumn>,
    key: Key,
}

/// By what a type is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Oid(u32),
    /// `$1`.
    Parameter,
}

/// Defines [`TypeColumn`]: the columns of `pg_type` and its kin by their names, with their types.
macro_rules! type_columns {
    ($($variant:ident = $name:literal, $of_type:ident;)*) => {
        /// What is asked of a type.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        enum TypeColumn {
            $($variant,)*
        }

        impl TypeColumn {
            fn named(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)*
                    _ => None,
                }
            }

            const fn of_type(self) -> Type {
                match self {
                    $(Self::$variant => Type::built_in(PgType::$of_type),)*
                }
            }
        }
    };
}

type_columns! {
    Oid = "oid", Oid;
    Name = "typname", Name;
    Schema = "nspname", Name;
    Size = "typlen", Int2;
    Kind = "typtype", Char;
    Category = "typcategory", Char;
    Delimiter = "typdelim", Char;
    Relation = "typrelid", Oid;
    Element = "typelem", Oid;
    Array = "typarray", Oid;
    Base = "typbasetype", Oid;
    Subtype = "rngsubtype", Oid;
    // `oid::regtype::text`, which is no column.
    Spelled = "", Text;
}

impl TypeLookup {
    /// The look-up with this list and what follows it, and its columns; `None` where it is another
    /// query.
    pub(super) fn read(items: &[&[Token]], rest: &[Token]) -> Option<(Self, Vec<SelectColumn>)> {
        let [from, table @ ..] = rest else { return None };
        let table = match table {
            [schema, dot, table @ ..] if schema.is_word("pg_catalog") && dot.is_symbol('.') => {
                table
            }
            table => table,
        };
        if !from.is_word("from") || !table.first()?.is_word("pg_type") {
            return None;
        }
        let condition = top_level(rest).find(|&index| rest[index].is_word("where"))?;
        let key = key(&rest[condition + 1..])?;
        let read: Vec<(TypeColumn, SelectColumn)> =
            items.iter().map(|item| column(item)).collect::<Option<_>>()?;
        let (columns, described) = read.into_iter().unzip();
        Some((Self { columns, key }, described))
    }

    /// The row, if there is such a type; by the number that the first parameter is, where that is the key.
    pub(super) fn rows(&self, parameter: Option<u32>) -> Vec<Row> {
        let oid = match self.key {
            Key::Oid(oid) => Some(oid),
            Key::Parameter => parameter,
        };
        let known = [Type::Of(Scalar::Hstore), Type::ArrayOf(Scalar::Hstore)];
        let found = known.into_iter().find(|known| Some(known.oid()) == oid);
        let row = |of_type| self.columns.iter().map(|column| column.value(of_type)).collect();
        found.map(row).into_iter().collect()
    }
}

impl TypeColumn {
    /// What `pg_type` says of hstore or its array.
    fn value(self, of_type: Type) -> Option<Value> {
        let hstore = Scalar::Hstore;
        let is_array = matches!(of_type, Type::ArrayOf(_));
        Some(match self {
            Self::Element if is_array => Value::Int(hstore.oid().into()),
            Self::Array if !is_array => Value::Int(hstore.array_oid().into()),
            Self::Oid => Value::Int(of_type.oid().into()),
            Self::Name => if is_array { "_hstore" } else { "hstore" }.into(),
            Self::Spelled => if is_array { "hstore[]" } else { "hstore" }.into(),
            Self::Schema => "public".into(),
            Self::Size => Value::Int(of_type.size().into()),
            Self::Kind => "b".into(),
            Self::Category => if is_array { "A" } else { "U" }.into(),
            Self::Delimiter => ",".into(),
            Self::Relation | Self::Base | Self::Element | Self::Array => Value::Int(0),
            Self::Subtype => return None,
        })
    }
}

/// `oid = $1` or `t.oid = 16385`, and nothing else.
fn key(condition: &[Token]) -> Option<Key> {
    let (path, value) = match condition {
        [path @ .., equals, value] if equals.is_symbol('=') => (path, value),
        _ => return None,
    };
    let is_oid = match path {
        [oid] => oid.is_word("oid"),
        [alias, dot, oid] => {
            alias.identifier().is_some() && dot.is_symbol('.') && oid.is_word("oid")
        }
        _ => false,
    };
    match value {
        _ if !is_oid => None,
        Token::Parameter(1) => Some(Key::Parameter),
        Token::Number(digits) | Token::Text(digits) => digits.parse().ok().map(Key::Oid),
        _ => None,
    }
}

/// `typname`, `t.typname`, `oid::regtype::text`, each with an alias or none.
fn column(item: &[Token]) -> Option<(TypeColumn, SelectColumn)> {
    let (item, alias) = match item {
        [item @ .., as_, alias] if as_.is_word("as") => (item, Some(alias.identifier()?)),
        item => (item, None),
    };
    let item = match item {
        [alias, dot, item @ ..] if dot.is_symbol('.') && alias.identifier().is_some() => item,
        item => item,
    };
    let (column, name) = match item {
        [column] => (TypeColumn::named(column.identifier()?)?, column.identifier()?),
        [oid, Token::Cast, regtype, Token::Cast, text]
            if oid.is_word("oid") && regtype.is_word("regtype") && is_any(text, &["text"]) =>
        {
            (TypeColumn::Spelled, "oid")
        }
        _ => return None,
    };
    let name = alias.unwrap_or(name).to_owned();
    Some((column, SelectColumn { name, of_type: column.of_type() }))
}
