//! Words of SQL, and what stands outside or inside of their parentheses.

/// A word of SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A keyword or identifier, folded to lower case.
    Word(String),
    /// An identifier in double quotes, as it stands.
    Quoted(String),
    /// A string, whatever its quotes.
    Text(String),
    /// A number, as it stands.
    Number(String),
    /// `$1` and so on.
    Parameter(u16),
    /// `::`.
    Cast,
    /// Any other character.
    Symbol(char),
}

impl Token {
    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(self, Self::Word(own) if own == word)
    }

    pub(super) const fn is_symbol(&self, symbol: char) -> bool {
        matches!(self, Self::Symbol(own) if *own == symbol)
    }

    /// The name, if it is an identifier.
    pub(super) fn identifier(&self) -> Option<&str> {
        match self {
            Self::Word(name) | Self::Quoted(name) => Some(name),
            _ => None,
        }
    }
}

/// Whether it is one of these words.
pub(super) fn is_any(token: &Token, words: &[&str]) -> bool {
    words.iter().any(|word| token.is_word(word))
}

/// The places of the tokens outside of parentheses and brackets.
pub(super) fn top_level(tokens: &[Token]) -> impl Iterator<Item = usize> {
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

/// What stands between the commas of a list; `None` where that is nothing.
pub(super) fn items(list: &[Token]) -> Option<Vec<&[Token]>> {
    let mut items = Vec::new();
    let mut start = 0;
    for comma in top_level(list).filter(|&index| list[index].is_symbol(',')) {
        items.push(&list[start..comma]);
        start = comma + 1;
    }
    items.push(&list[start..]);
    items.iter().all(|item| !item.is_empty()).then_some(items)
}

/// What is in parentheses, if the first one is closed by the last token.
pub(super) fn in_parentheses(tokens: &[Token]) -> Option<&[Token]> {
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

/// A token as SQL writes it, but for its quotes.
pub(super) fn value_text(token: &Token) -> String {
    match token {
        Token::Word(text) | Token::Quoted(text) | Token::Text(text) | Token::Number(text) => {
            text.clone()
        }
        Token::Symbol(',') => ", ".to_owned(),
        Token::Symbol(symbol) => symbol.to_string(),
        Token::Parameter(number) => format!("${number}"),
        Token::Cast => "::".to_owned(),
    }
}
