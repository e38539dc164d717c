//! SELECT: numbers, texts and a few functions are answered, all else with plausible columns and
//! no rows.

use super::{
    lexer::{Token, syntax_error},
    types::{Type, Value},
};
use crate::protocol::backend::Report;

/// A SELECT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Select {
    pub(super) columns: Vec<SelectColumn>,
    /// The one row, or `None` for none.
    pub(super) row: Option<Vec<Expression>>,
    /// The number, where the whole statement is `SELECT <integer>`.
    pub(super) integer: Option<i64>,
}

/// A column of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SelectColumn {
    pub(super) name: String,
    pub(super) of_type: Type,
}

/// What can be evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expression {
    Null,
    Value(Value),
    Version,
    User,
    Database,
    /// `current_setting('name')`.
    Setting(String),
    /// `set_config('name', 'value', …)`.
    SetConfig(String, String),
}

/// An item of the select list.
struct Item {
    name: String,
    of_type: Type,
    /// `None` where it cannot be evaluated.
    value: Option<Expression>,
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
    let mut columns = Vec::new();
    let mut values = Vec::new();
    for tokens in items(list)? {
        let item = item(tokens)?;
        columns.push(SelectColumn { name: item.name, of_type: item.of_type });
        values.push(item.value);
    }
    // LIMIT and the like leave the row alone; a FROM would need tables.
    let has_source = top_level(rest).any(|index| is_any(&rest[index], &SOURCES));
    let row: Option<Vec<_>> = if has_source { None } else { values.into_iter().collect() };
    let integer = match row.as_deref() {
        Some([Expression::Value(Value::Int(number))]) => Some(*number),
        _ => None,
    };
    Ok(Select { columns, row, integer })
}

/// Reads what follows the word WITH: the last SELECT outside of parentheses names the columns.
pub(super) fn with(tokens: &[Token]) -> Result<Select, Report> {
    let last = top_level(tokens).filter(|&index| tokens[index].is_word("select")).last();
    let start = last.ok_or_else(|| super::statement::unsupported("WITH without SELECT"))?;
    Ok(Select { row: None, integer: None, ..select(&tokens[start + 1..])? })
}

/// How many columns an answer has at most, as in PostgreSQL (`MaxTupleAttributeNumber`).
const MAX_COLUMNS: usize = 1664;
/// How deep an expression that is evaluated may be nested: enough for a person, too little to
/// exhaust the stack.
const DEEPEST: usize = 32;

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

fn is_any(token: &Token, words: &[&str]) -> bool {
    words.iter().any(|word| token.is_word(word))
}

/// The places of the tokens outside of parentheses and brackets.
fn top_level(tokens: &[Token]) -> impl Iterator<Item = usize> {
    let mut depth = 0_usize;
    tokens.iter().enumerate().filter_map(move |(index, token)| match token {
        Token::Symbol('(' | '[') => {
            depth += 1;
            None
        }
        Token::Symbol(')' | ']') => {
            depth = depth.saturating_sub(1);
            None
        }
        _ => (depth == 0).then_some(index),
    })
}

/// The list's items; an empty list is SQL, an empty item is not.
fn items(list: &[Token]) -> Result<Vec<&[Token]>, Report> {
    if list.is_empty() {
        return Ok(Vec::new());
    }
    let mut items = Vec::new();
    let mut start = 0;
    for comma in top_level(list).filter(|&index| list[index].is_symbol(',')) {
        items.push(&list[start..comma]);
        start = comma + 1;
    }
    items.push(&list[start..]);
    if items.len() > MAX_COLUMNS {
        let message = format!("target lists can have at most {MAX_COLUMNS} entries");
        return Err(Report::error("54011", message));
    }
    if items.iter().any(|item| item.is_empty()) {
        return Err(syntax_error("syntax error at or near \",\""));
    }
    Ok(items)
}

fn item(tokens: &[Token]) -> Result<Item, Report> {
    let (alias, tokens) = split_alias(tokens);
    let mut item = expression(tokens, 0)?.unwrap_or_else(|| Item {
        name: guessed_name(tokens),
        of_type: Type::Text,
        value: None,
    });
    if let Some(alias) = alias {
        item.name = alias.to_owned();
    }
    Ok(item)
}

/// `x AS alias`, or `x alias` where the alias cannot be anything else.
fn split_alias(tokens: &[Token]) -> (Option<&str>, &[Token]) {
    match tokens {
        [rest @ .., word, alias] if word.is_word("as") && !rest.is_empty() => {
            (alias.identifier(), rest)
        }
        [rest @ .., before, alias]
            if !is_any(alias, &["end", "null", "true", "false"])
                && (matches!(before, Token::Number(_) | Token::Text(_) | Token::Symbol(')'))
                    || before.identifier().is_some() && !is_any(before, &["not", "is", "and"])) =>
        {
            match alias.identifier() {
                Some(name) => (Some(name), &tokens[..rest.len() + 1]),
                None => (None, tokens),
            }
        }
        tokens => (None, tokens),
    }
}

/// An expression that can be evaluated, with its casts; `None` for all others.
fn expression(tokens: &[Token], depth: usize) -> Result<Option<Item>, Report> {
    if depth > DEEPEST {
        return Ok(None);
    }
    if let Some(inner) = in_parentheses(tokens) {
        return expression(inner, depth + 1);
    }
    if let [cast, rest @ ..] = tokens
        && cast.is_word("cast")
        && let Some(inner) = in_parentheses(rest)
        && let Some(word) = top_level(inner).find(|&index| inner[index].is_word("as"))
    {
        let item = expression(&inner[..word], depth + 1)?;
        return item.map(|item| cast_to(item, &inner[word + 1..])).transpose();
    }
    if let Some(cast) = top_level(tokens).filter(|&index| tokens[index] == Token::Cast).last()
        && is_type(&tokens[cast + 1..])
    {
        let item = expression(&tokens[..cast], depth + 1)?;
        return item.map(|item| cast_to(item, &tokens[cast + 1..])).transpose();
    }
    Ok(literal(tokens).or_else(|| function(tokens)))
}

/// What is in parentheses, if the first one is closed by the last token.
fn in_parentheses(tokens: &[Token]) -> Option<&[Token]> {
    let [Token::Symbol('('), inner @ .., Token::Symbol(')')] = tokens else { return None };
    let mut depth = 1_usize;
    for token in inner {
        match token {
            Token::Symbol('(') => depth += 1,
            Token::Symbol(')') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return None;
        }
    }
    Some(inner)
}

/// Whether these are a type's name and nothing else: `int4`, `pg_catalog.int4`, `varchar(10)`,
/// `double precision`.
fn is_type(tokens: &[Token]) -> bool {
    tokens.first().is_some_and(|first| first.identifier().is_some())
        && tokens.iter().all(|token| match token {
            Token::Symbol(symbol) => matches!(symbol, '.' | '(' | ')' | ',' | '[' | ']'),
            Token::Number(_) | Token::Word(_) | Token::Quoted(_) => true,
            Token::Text(_) | Token::Parameter(_) | Token::Cast => false,
        })
}

fn cast_to(item: Item, to: &[Token]) -> Result<Item, Report> {
    let name = match to {
        [schema, dot, name, ..] if schema.is_word("pg_catalog") && dot.is_symbol('.') => name,
        [name, ..] => name,
        [] => return Err(syntax_error("syntax error at end of input")),
    };
    let name = name.identifier().unwrap_or_default();
    let of_type = Type::named(name);
    let value = match (item.value, of_type) {
        (Some(Expression::Value(Value::Text(text))), Type::Int2 | Type::Int4 | Type::Int8) => {
            let number = text.trim().parse().map_err(|_| {
                Report::error("22P02", format!("invalid input syntax for type {name}: \"{text}\""))
            })?;
            Some(Expression::Value(Value::Int(number)))
        }
        (value, _) => value,
    };
    if let Some(Expression::Value(Value::Int(number))) = value
        && !of_type.holds(number)
    {
        return Err(Report::error("22003", format!("{name} out of range")));
    }
    let name = if of_type == Type::Text { name } else { of_type.column_name() };
    Ok(Item { name: name.to_owned(), of_type, value })
}

fn literal(tokens: &[Token]) -> Option<Item> {
    let unnamed =
        |of_type, value| Some(Item { name: "?column?".to_owned(), of_type, value: Some(value) });
    match tokens {
        [Token::Symbol(sign @ ('-' | '+')), Token::Number(digits)] => {
            let number = format!("{sign}{digits}").parse().ok()?;
            unnamed(Type::of(number), Expression::Value(Value::Int(number)))
        }
        [Token::Number(digits)] => {
            let number = digits.parse().ok()?;
            unnamed(Type::of(number), Expression::Value(Value::Int(number)))
        }
        [Token::Text(text)] => unnamed(Type::Text, Expression::Value(Value::Text(text.clone()))),
        [word] if word.is_word("null") => unnamed(Type::Text, Expression::Null),
        [word] if is_any(word, &["true", "false"]) => Some(Item {
            name: "bool".to_owned(),
            of_type: Type::Bool,
            value: Some(Expression::Value(Value::Bool(word.is_word("true")))),
        }),
        _ => None,
    }
}

/// A call of one of the functions that sessions begin with.
fn function(tokens: &[Token]) -> Option<Item> {
    let tokens = match tokens {
        [schema, dot, rest @ ..] if schema.is_word("pg_catalog") && dot.is_symbol('.') => rest,
        tokens => tokens,
    };
    let (Token::Word(name), arguments) = tokens.split_first()? else { return None };
    let arguments = if arguments.is_empty() { None } else { Some(in_parentheses(arguments)?) };
    let text = |index: usize| match items(arguments?).ok()?.get(index)? {
        [Token::Text(text), ..] => Some(text.clone()),
        _ => None,
    };
    let value = match (name.as_str(), arguments) {
        ("version", Some([])) => Expression::Version,
        ("current_schema", None | Some([])) => Expression::Value(Value::Text("public".to_owned())),
        ("current_user" | "session_user" | "user" | "current_role", None) => Expression::User,
        ("current_catalog", None) | ("current_database", Some([])) => Expression::Database,
        ("pg_is_in_recovery", Some([])) => Expression::Value(Value::Bool(false)),
        ("current_setting", Some(_)) => Expression::Setting(text(0)?),
        ("set_config", Some(_)) => Expression::SetConfig(text(0)?, text(1)?),
        ("pg_advisory_unlock_all", Some([])) => Expression::Value(Value::Text(String::new())),
        _ => return None,
    };
    let of_type = match value {
        Expression::Value(Value::Bool(_)) => Type::Bool,
        _ => Type::Text,
    };
    Some(Item { name: name.clone(), of_type, value: Some(value) })
}

/// The name that PostgreSQL would probably give the column.
fn guessed_name(tokens: &[Token]) -> String {
    const UNNAMED: &str = "?column?";
    if tokens.first().is_some_and(|token| token.is_word("case")) {
        return "case".to_owned();
    }
    let call = tokens.iter().position(|token| token.is_symbol('('));
    let cast = tokens.iter().position(|token| *token == Token::Cast);
    let path = match call.or(cast) {
        Some(0) | None => tokens,
        Some(end) => &tokens[..end],
    };
    let is_path = path.iter().enumerate().all(|(index, token)| match index % 2 {
        0 => token.identifier().is_some(),
        _ => token.is_symbol('.'),
    });
    match path.last().and_then(Token::identifier) {
        Some(name) if is_path => name.to_owned(),
        _ => UNNAMED.to_owned(),
    }
}
