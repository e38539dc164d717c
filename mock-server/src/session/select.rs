//! SELECT: numbers, texts and a few functions are answered, all else with plausible columns and
//! no rows.

use super::{
    catalogue::TypeLookup,
    column::SelectColumn,
    expression::{Expression, item},
    refusal::{syntax_error, unsupported},
    token::{Token, is_any, items, top_level},
    value::Value,
};
use crate::protocol::report::Report;

/// A SELECT.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Select {
    pub(super) columns: Vec<SelectColumn>,
    pub(super) source: Source,
    /// The number, where the first column is an integer.
    pub(super) integer: Option<i64>,
}

/// Where a SELECT has its rows from.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Source {
    /// Nowhere: it has none.
    Nothing,
    /// The one row is made of these.
    Expressions(Vec<Expression>),
    /// `pg_type`.
    Types(TypeLookup),
}

/// Reads what follows the word SELECT.
pub(super) fn select(tokens: &[Token]) -> Result<Select, Report> {
    let tokens = match tokens {
        [quantifier, rest @ ..] if quantifier.is_word("all") || quantifier.is_word("distinct") => {
            rest
        }
        tokens => tokens,
    };
    let end = top_level(tokens).find(|&index| is_any(&tokens[index], &AFTER_LIST));
    let (list, rest) = tokens.split_at(end.unwrap_or(tokens.len()));
    let items = list_items(list)?;
    if let Some((lookup, columns)) = TypeLookup::read(&items, rest) {
        return Ok(Select { columns, source: Source::Types(lookup), integer: None });
    }
    let mut columns = Vec::new();
    let mut values = Vec::new();
    for tokens in items {
        let item = item(tokens)?;
        columns.push(SelectColumn { name: item.name, of_type: item.of_type });
        values.push(item.value);
    }
    // LIMIT and the like leave the row alone; a FROM would need tables.
    let has_source = top_level(rest).any(|index| is_any(&rest[index], &SOURCES));
    let row: Option<Vec<_>> = if has_source { None } else { values.into_iter().collect() };
    let integer = match row.as_deref() {
        Some([Expression::Value(Value::Int(number)), ..]) => Some(*number),
        _ => None,
    };
    let source = row.map_or(Source::Nothing, Source::Expressions);
    Ok(Select { columns, source, integer })
}

/// Reads what follows the word WITH: the last SELECT outside of parentheses names the columns.
pub(super) fn with(tokens: &[Token]) -> Result<Select, Report> {
    let last = top_level(tokens).filter(|&index| tokens[index].is_word("select")).last();
    let start = last.ok_or_else(|| unsupported("WITH without SELECT"))?;
    Ok(Select { source: Source::Nothing, integer: None, ..select(&tokens[start + 1..])? })
}

/// How many columns an answer has at most, as in PostgreSQL (`MaxTupleAttributeNumber`).
const MAX_COLUMNS: usize = 1664;

/// Words that end the select list.
const AFTER_LIST: [&str; 14] = [
    "from",
    "where",
    "group",
    "having",
    "window",
    "union",
    "intersect",
    "except",
    "order",
    "limit",
    "offset",
    "fetch",
    "for",
    "into",
];

/// Those of them that make the number of rows depend on more than the list.
const SOURCES: [&str; 8] =
    ["from", "where", "group", "having", "union", "intersect", "except", "into"];

/// The list's items; an empty list is SQL, an empty item is not.
fn list_items(list: &[Token]) -> Result<Vec<&[Token]>, Report> {
    if list.is_empty() {
        return Ok(Vec::new());
    }
    let items = items(list).ok_or_else(|| syntax_error("syntax error at or near \",\""))?;
    if items.len() > MAX_COLUMNS {
        let message = format!("target lists can have at most {MAX_COLUMNS} entries");
        return Err(Report::error("54011", message));
    }
    Ok(items)
}
