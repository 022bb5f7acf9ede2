//! What is wrong with a source, and where: line, column, the line itself with a caret, a cure.

use std::fmt;

/// Longest piece of a source line that a message shows, in characters.
const EXCERPT: usize = 100;

/// A range of bytes of the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// Byte after the last.
    pub end: u32,
}

impl Span {
    /// Returns the range of `start..end`; sources are bounded far below 4 GiB.
    #[must_use]
    pub fn new(start: usize, end: usize) -> Self {
        let clip = |at| u32::try_from(at).unwrap_or(u32::MAX);
        Self { start: clip(start), end: clip(end) }
    }

    /// Returns the range that covers both.
    #[must_use]
    pub fn to(self, end: Self) -> Self {
        Self { start: self.start, end: end.end.max(self.start) }
    }

    /// Returns the text of the range.
    #[must_use]
    pub fn text(self, source: &str) -> &str {
        source.get(self.start as usize..self.end as usize).unwrap_or("")
    }
}

/// A fault at a place that is still counted in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub span: Span,
    pub message: String,
    pub hint: Option<String>,
}

impl Fault {
    pub fn new(span: Span, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), hint: None }
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Returns the error as the author of `source` reads it.
    pub fn locate(self, source: &str) -> CompileError {
        let place = Place::of(self.span, source);
        CompileError {
            message: self.message,
            hint: self.hint,
            line: place.line,
            column: place.column,
            excerpt: place.excerpt,
            caret: place.caret,
        }
    }
}

/// Where a range starts, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub line: usize,
    pub column: usize,
    pub excerpt: String,
    pub caret: usize,
}

impl Place {
    pub fn of(span: Span, source: &str) -> Self {
        let mut at = (span.start as usize).min(source.len());
        while !source.is_char_boundary(at) {
            at -= 1;
        }
        let line_start = source[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = source[at..].find('\n').map_or(source.len(), |newline| at + newline);
        let column = source[line_start..at].chars().count();
        // Of a long line only what is near.
        let skipped = column.saturating_sub(EXCERPT / 2);
        let shown = source[line_start..line_end].chars().skip(skipped).take(EXCERPT);
        let excerpt = shown.map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
        let line = source[..line_start].matches('\n').count() + 1;
        Self { line, column: column + 1, caret: column - skipped, excerpt: excerpt.trim_end().to_owned() }
    }
}

/// Why a source was not compiled.
///
/// `Display` gives four lines at most: line, column and message; the line of the source; a caret
/// under the place; a hint, if a cure is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompileError {
    /// What was found and what was expected.
    pub message: String,
    /// What may cure it.
    pub hint: Option<String>,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    excerpt: String,
    caret: usize,
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)?;
        if !self.excerpt.is_empty() {
            write!(f, "\n  {}\n  {:caret$}^", self.excerpt, "", caret = self.caret)?;
        }
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for CompileError {}

/// Returns the name nearest to `wanted`, if one is near enough to be what was meant.
pub(super) fn nearest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A name that nobody could mean costs no time.
    if wanted.len() > 64 {
        return None;
    }
    let bound = (wanted.chars().count() / 3).max(1);
    let distances = names.into_iter().map(|name| (distance(wanted, name), name));
    distances.filter(|&(distance, _)| distance <= bound).min().map(|(_, name)| name)
}

/// Returns the number of insertions, deletions and replacements (Levenshtein) between two names.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(80).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(!from.eq_ignore_ascii_case(&to));
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_edits_without_case() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("RSI", "rsi"), 0);
        assert_eq!(distance("", "abc"), 3);
    }

    #[test]
    fn nearest_far_away_is_none() {
        assert_eq!(nearest("spred_bps", ["age_slots", "spread_bps"]), Some("spread_bps"));
        assert_eq!(nearest("volume", ["age_slots", "spread_bps"]), None);
    }

    #[test]
    fn place_in_a_later_line_counts_characters() {
        let source = "a\nδδ + x\nb";
        let start = source.find('x').expect("there");
        let place = Place::of(Span::new(start, start + 1), source);
        assert_eq!((place.line, place.column, place.excerpt.as_str(), place.caret), (2, 6, "δδ + x", 5));
    }
}
