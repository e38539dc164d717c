//! The items of a select list: numbers, texts, casts, and the functions that sessions begin with.

use super::{
    cast::cast,
    decimal::Decimal,
    refusal::syntax_error_at_end,
    token::{Token, in_parentheses, is_any, items, top_level},
    types::{Type, split_name},
    value::Value,
};
use crate::protocol::report::Report;

/// What can be evaluated.
#[derive(Debug, Clone, PartialEq)]
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
pub(super) struct Item {
    pub(super) name: String,
    pub(super) of_type: Type,
    /// `None` where it cannot be evaluated.
    pub(super) value: Option<Expression>,
}

/// How deep an expression that is evaluated may be nested: enough for a person, too little to
/// exhaust the stack.
const DEEPEST: usize = 32;

/// Reads an item of the select list.
///
/// # Errors
/// Where a value does not fit the type that it is cast to.
pub(super) fn item(tokens: &[Token]) -> Result<Item, Report> {
    let (alias, tokens) = split_alias(tokens);
    let mut item = expression(tokens, 0)?.unwrap_or_else(|| Item {
        name: guessed_name(tokens),
        of_type: Type::TEXT,
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
    let (name, _) = split_name(to).ok_or_else(syntax_error_at_end)?;
    let of_type = Type::named(to).unwrap_or(Type::TEXT);
    let value = match item.value {
        Some(Expression::Value(value)) => {
            Some(Expression::Value(cast(value, item.of_type, of_type)?))
        }
        value => value,
    };
    let name = of_type.column_name().unwrap_or(name);
    Ok(Item { name: name.to_owned(), of_type, value })
}

fn literal(tokens: &[Token]) -> Option<Item> {
    let value = match tokens {
        [Token::Symbol(sign @ ('-' | '+')), Token::Number(digits)] => {
            number(&format!("{sign}{digits}"))?
        }
        [Token::Number(digits)] => number(digits)?,
        [Token::Text(text)] => text.as_str().into(),
        [word] if word.is_word("null") => {
            let name = "?column?".to_owned();
            return Some(Item { name, of_type: Type::TEXT, value: Some(Expression::Null) });
        }
        [word] if is_any(word, &["true", "false"]) => Value::Bool(word.is_word("true")),
        _ => return None,
    };
    let name = if matches!(value, Value::Bool(_)) { "bool" } else { "?column?" };
    let of_type = value.own_type();
    Some(Item { name: name.to_owned(), of_type, value: Some(Expression::Value(value)) })
}

/// An integer, or a decimal where it has a point or is longer than any.
fn number(digits: &str) -> Option<Value> {
    let integer = digits.parse().ok().map(Value::Int);
    integer.or_else(|| Decimal::read(digits).map(Value::Decimal))
}

/// A call of one of the functions that sessions begin with.
fn function(tokens: &[Token]) -> Option<Item> {
    let tokens = match tokens {
        [schema, dot, rest @ ..] if schema.is_word("pg_catalog") && dot.is_symbol('.') => rest,
        tokens => tokens,
    };
    let (Token::Word(name), arguments) = tokens.split_first()? else { return None };
    let arguments = if arguments.is_empty() { None } else { Some(in_parentheses(arguments)?) };
    let text = |index: usize| match items(arguments?)?.get(index)? {
        [Token::Text(text), ..] => Some(text.clone()),
        _ => None,
    };
    let value = match (name.as_str(), arguments) {
        ("version", Some([])) => Expression::Version,
        ("current_schema", None | Some([])) => Expression::Value("public".into()),
        ("current_user" | "session_user" | "user" | "current_role", None) => Expression::User,
        ("current_catalog", None) | ("current_database", Some([])) => Expression::Database,
        ("pg_is_in_recovery", Some([])) => Expression::Value(Value::Bool(false)),
        ("current_setting", Some(_)) => Expression::Setting(text(0)?),
        ("set_config", Some(_)) => Expression::SetConfig(text(0)?, text(1)?),
        ("pg_advisory_unlock_all", Some([])) => Expression::Value("".into()),
        _ => return None,
    };
    let of_type = match value {
        Expression::Value(Value::Bool(_)) => Type::BOOL,
        _ => Type::TEXT,
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
