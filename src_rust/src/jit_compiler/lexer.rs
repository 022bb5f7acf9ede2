//! Text to tokens.

use super::error::{Fault, Span};
use super::limits;

/// A symbol or a word with a meaning of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Plus,
    Minus,
    Star,
    StarStar,
    Slash,
    SlashSlash,
    Percent,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    EqualEqual,
    NotEqual,
    Open,
    Close,
    Comma,
    And,
    Or,
    Not,
    If,
    Else,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind<'a> {
    Mark(Mark),
    Name(&'a str),
    /// A name in quotes.
    Text(&'a str),
    Int(i64),
    Float(f64),
    Bool(bool),
    End,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Token<'a> {
    pub kind: Kind<'a>,
    pub span: Span,
}

const SYMBOLS: [(&str, Mark); 16] = [
    ("**", Mark::StarStar),
    ("//", Mark::SlashSlash),
    ("<=", Mark::LessEqual),
    (">=", Mark::GreaterEqual),
    ("==", Mark::EqualEqual),
    ("!=", Mark::NotEqual),
    ("+", Mark::Plus),
    ("-", Mark::Minus),
    ("*", Mark::Star),
    ("/", Mark::Slash),
    ("%", Mark::Percent),
    ("<", Mark::Less),
    (">", Mark::Greater),
    ("(", Mark::Open),
    (")", Mark::Close),
    (",", Mark::Comma),
];

/// What other languages write, and what is written here.
const FOREIGN: [(&str, &str); 12] = [
    ("&&", "and"),
    ("||", "or"),
    ("&", "and"),
    ("|", "or"),
    ("!", "not"),
    ("=", "=="),
    ("^", "**"),
    ("≤", "<="),
    ("≥", ">="),
    ("≠", "!="),
    ("×", "*"),
    ("?", "a if c else b"),
];

/// Words of Python that would surprise as names.
pub(super) const KEYWORDS: [&str; 13] =
    ["and", "or", "not", "if", "else", "True", "False", "true", "false", "is", "in", "lambda", "None"];

/// Returns the tokens of `source`, the last one [`Kind::End`].
pub(super) fn tokens(source: &str) -> Result<Vec<Token<'_>>, Fault> {
    if source.len() > limits::SOURCE_BYTES {
        let message = format!("the source has {} bytes; it may have {}", source.len(), limits::SOURCE_BYTES);
        return Err(Fault::new(Span::default(), message));
    }
    let mut found = Vec::with_capacity(source.len() / 3 + 1);
    let mut at = 0;
    while let Some(first) = source[at..].chars().next() {
        let rest = &source[at..];
        if first.is_ascii_whitespace() {
            at += 1;
            continue;
        }
        if first == '#' {
            at += rest.find('\n').unwrap_or(rest.len());
            continue;
        }
        let (kind, length) = token(rest, first).map_err(|(from, length, message, hint)| {
            let span = Span::new(at + from, at + from + length);
            Fault { span, message, hint }
        })?;
        found.push(Token { kind, span: Span::new(at, at + length) });
        if found.len() > limits::TOKENS {
            let span = Span::new(at, at + length);
            return Err(Fault::new(span, format!("more than {} words and symbols", limits::TOKENS)));
        }
        at += length;
    }
    found.push(Token { kind: Kind::End, span: Span::new(source.len(), source.len()) });
    Ok(found)
}

/// Offset and length within the rest, message, hint.
type Bad = (usize, usize, String, Option<String>);

fn token(rest: &str, first: char) -> Result<(Kind<'_>, usize), Bad> {
    let bytes = rest.as_bytes();
    if first.is_ascii_digit() || (first == '.' && bytes.get(1).is_some_and(u8::is_ascii_digit)) {
        return number(rest);
    }
    if first.is_ascii_alphabetic() || first == '_' {
        let length = word_length(rest);
        let word = &rest[..length];
        let kind = match word {
            "and" => Kind::Mark(Mark::And),
            "or" => Kind::Mark(Mark::Or),
            "not" => Kind::Mark(Mark::Not),
            "if" => Kind::Mark(Mark::If),
            "else" => Kind::Mark(Mark::Else),
            "True" | "true" => Kind::Bool(true),
            "False" | "false" => Kind::Bool(false),
            _ => Kind::Name(word),
        };
        return Ok((kind, length));
    }
    if first == '"' || first == '\'' {
        let inner = &rest[1..];
        let end = inner.find([first, '\n', '\\']).filter(|&end| inner[end..].starts_with(first));
        let Some(end) = end else {
            let message = "a quoted name ends in the same line and has no backslash".to_owned();
            return Err((0, 1, message, None));
        };
        return Ok((Kind::Text(&inner[..end]), end + 2));
    }
    for (symbol, mark) in SYMBOLS {
        if rest.starts_with(symbol) {
            return Ok((Kind::Mark(mark), symbol.len()));
        }
    }
    let foreign = FOREIGN.iter().find(|(text, _)| rest.starts_with(text));
    let hint = foreign.map(|(text, ours)| format!("{text} is written {ours}"));
    let length = foreign.map_or(first.len_utf8(), |(text, _)| text.len());
    Err((0, length, format!("unexpected character {:?}", &rest[..length]), hint))
}

fn word_length(rest: &str) -> usize {
    let part_of_word = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
    rest.bytes().position(|b| !part_of_word(&b)).unwrap_or(rest.len())
}

/// Reads a decimal number with Python's underscores: `20_000`, `0.01`, `1e6`, `.5`.
fn number(rest: &str) -> Result<(Kind<'_>, usize), Bad> {
    let bytes = rest.as_bytes();
    let digits = |mut at: usize| {
        while bytes.get(at).is_some_and(|b| b.is_ascii_digit() || *b == b'_') {
            at += 1;
        }
        at
    };
    let mut end = digits(0);
    let mut is_float = false;
    if bytes.get(end) == Some(&b'.') {
        is_float = true;
        end = digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        if bytes.get(end + 1 + sign).is_some_and(u8::is_ascii_digit) {
            is_float = true;
            end = digits(end + 1 + sign);
        }
    }
    let tail = word_length(&rest[end..]);
    let text = &rest[..end];
    let bad = |message: String, hint: Option<&str>| (0, end + tail, message, hint.map(str::to_owned));
    if tail > 0 {
        let found = &rest[..(end + tail).min(40)];
        return Err(bad(
            format!("{found} is no number and no name"),
            Some("numbers are decimal: 20_000, 0.5, 1e6"),
        ));
    }
    let lonely = |pair: &[u8]| {
        (pair[0] == b'_' && !pair[1].is_ascii_digit()) || (pair[1] == b'_' && !pair[0].is_ascii_digit())
    };
    if text.as_bytes().windows(2).any(lonely) || text.ends_with('_') {
        return Err(bad("an underscore in a number stands between two digits".to_owned(), None));
    }
    let plain = text.replace('_', "");
    if is_float {
        let value: f64 = plain.parse().unwrap_or(f64::INFINITY);
        return if value.is_finite() {
            Ok((Kind::Float(value), end))
        } else {
            Err(bad("this number is larger than a 64-bit float holds".to_owned(), None))
        };
    }
    if plain.len() > 1 && plain.starts_with('0') {
        return Err(bad("a whole number does not start with 0".to_owned(), None));
    }
    if let Ok(value) = plain.parse() {
        return Ok((Kind::Int(value), end));
    }
    let message = format!("this whole number is larger than {}", i64::MAX);
    Err(bad(message, Some("write it as a float: 1e19")))
}
