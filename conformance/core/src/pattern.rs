//! How an expectation is compared with what an implementation did.

use std::collections::BTreeMap;

/// What `$name` stands for, so far.
pub type Bindings = BTreeMap<String, String>;

/// An expectation: alternatives, each a text with wildcards.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    alternatives: Vec<Vec<Piece>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// `*`: at least one character, none of them blank.
    Star,
    /// `...`: anything.
    Rest,
    /// `$name`, `$name>$other`.
    Variable {
        name: String,
        above: Option<String>,
    },
}

impl Pattern {
    /// Reads an expectation. Never fails: whatever is not a wildcard is text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let alternatives = split(text).iter().map(|it| pieces(it.trim())).collect();
        Self { text: text.trim().to_owned(), alternatives }
    }

    /// As written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether an alternative begins with this word: `names("ERR_TIMEOUT")`.
    #[must_use]
    pub fn names(&self, word: &str) -> bool {
        self.alternatives.iter().any(|it| match it.first() {
            Some(Piece::Text(text)) => text.split_whitespace().next() == Some(word),
            Some(Piece::Star | Piece::Rest | Piece::Variable { .. }) | None => false,
        })
    }

    /// Whether `actual` is as expected; if so, new variables are bound.
    pub fn matches(&self, actual: &str, bindings: &mut Bindings) -> bool {
        self.alternatives.iter().any(|alternative| {
            let actual = if is_one_word(alternative) {
                actual.split_whitespace().next().unwrap_or_default()
            } else {
                actual
            };
            let mut bound = bindings.clone();
            let fits = fits(alternative, actual, &mut bound);
            if fits {
                *bindings = bound;
            }
            fits
        })
    }
}

/// `OK`, `ERR_EXIST`: what comes along is not looked at.
fn is_one_word(alternative: &[Piece]) -> bool {
    matches!(alternative, [Piece::Text(text)] if !text.contains(char::is_whitespace))
}

fn fits(pattern: &[Piece], actual: &str, bound: &mut Bindings) -> bool {
    let Some((piece, rest)) = pattern.split_first() else { return actual.is_empty() };
    match piece {
        Piece::Text(text) => {
            actual.strip_prefix(text.as_str()).is_some_and(|it| fits(rest, it, bound))
        }
        Piece::Star => {
            let most = actual.find(char::is_whitespace).unwrap_or(actual.len());
            longest_first(actual, most, 1, |_, it| fits(rest, it, bound))
        }
        Piece::Rest => longest_first(actual, actual.len(), 0, |_, it| fits(rest, it, bound)),
        Piece::Variable { name, above } => {
            if let Some(value) = bound.get(name).cloned() {
                return actual.strip_prefix(&value).is_some_and(|it| fits(rest, it, bound));
            }
            let most = actual.find(ends_a_value).unwrap_or(actual.len());
            longest_first(actual, most, 1, |value, it| {
                if above.as_ref().is_some_and(|above| !is_above(value, bound.get(above))) {
                    return false;
                }
                let mut tried = bound.clone();
                tried.insert(name.clone(), value.to_owned());
                let fits = fits(rest, it, &mut tried);
                if fits {
                    *bound = tried;
                }
                fits
            })
        }
    }
}

/// Tries all splits of `actual` with a first part of `least ..= most` bytes, the longest first.
fn longest_first(
    actual: &str,
    most: usize,
    least: usize,
    mut accept: impl FnMut(&str, &str) -> bool,
) -> bool {
    (least..=most).rev().filter(|at| actual.is_char_boundary(*at)).any(|at| {
        let (first, rest) = actual.split_at(at);
        accept(first, rest)
    })
}

fn ends_a_value(c: char) -> bool {
    c.is_whitespace() || matches!(c, ',' | ':' | ';' | '(' | ')' | '|')
}

fn is_above(value: &str, other: Option<&String>) -> bool {
    let number = |text: &str| text.parse::<u128>().ok();
    match (number(value), other.and_then(|it| number(it))) {
        (Some(value), Some(other)) => value > other,
        (None, _) | (_, None) => false,
    }
}

/// At ` | `, outside quotes.
fn split(text: &str) -> Vec<String> {
    let (mut parts, mut quoted) = (vec![String::new()], false);
    for word in text.split_inclusive(' ') {
        if word.trim() == "|" && !quoted {
            parts.push(String::new());
            continue;
        }
        quoted ^= word.matches('"').count() % 2 == 1;
        parts.last_mut().expect("never empty").push_str(word);
    }
    parts
}

fn pieces(text: &str) -> Vec<Piece> {
    let (mut pieces, mut rest, mut plain) = (Vec::new(), text, String::new());
    while let Some(first) = rest.chars().next() {
        let (piece, taken) = if rest.starts_with("...") {
            (Some(Piece::Rest), 3)
        } else if first == '*' {
            (Some(Piece::Star), 1)
        } else if first == '$' {
            variable(rest)
        } else {
            (None, first.len_utf8())
        };
        match piece {
            None => plain.push_str(&rest[..taken]),
            Some(piece) => {
                if !plain.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut plain)));
                }
                pieces.push(piece);
            }
        }
        rest = &rest[taken..];
    }
    if !plain.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    pieces
}

fn variable(text: &str) -> (Option<Piece>, usize) {
    let name = name_after(text, 1);
    if name.is_empty() {
        return (None, 1);
    }
    let mut taken = 1 + name.len();
    let mut above = None;
    if text[taken..].starts_with(">$") {
        let other = name_after(text, taken + 2);
        taken += 2 + other.len();
        above = Some(other.to_owned());
    }
    (Some(Piece::Variable { name: name.to_owned(), above }), taken)
}

fn name_after(text: &str, at: usize) -> &str {
    let rest = &text[at..];
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
    &rest[..end]
}

/// The text with every `$name` replaced by what it stands for.
///
/// # Errors
/// The name that stands for nothing yet.
pub(crate) fn fill(text: &str, bindings: &Bindings) -> Result<String, String> {
    let (mut filled, mut rest) = (String::new(), text);
    while let Some(at) = rest.find('$') {
        let name = name_after(rest, at + 1);
        let value = bindings.get(name).ok_or_else(|| format!("${name} stands for nothing yet"))?;
        filled.push_str(&rest[..at]);
        filled.push_str(value);
        rest = &rest[at + 1 + name.len()..];
    }
    Ok(filled + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, actual: &str, expected: bool) {
        let mut bindings = Bindings::from([("v".to_owned(), "7".to_owned())]);
        assert_eq!(Pattern::new(pattern).matches(actual, &mut bindings), expected, "{bindings:?}");
    }

    #[test]
    fn a_single_word_looks_at_the_first_word_only() {
        check("OK", "OK view=7", true);
        check("OK", "OKAY", false);
        check("OK | ERR_EXIST", "ERR_EXIST", true);
        check("OK view=7", "OK view=7: a", false);
    }

    #[test]
    fn wildcards_stay_within_their_bounds() {
        check("OK view=*: a, b", "OK view=12: a, b", true);
        check("OK view=*", "OK view=12 more", false);
        check("OK ...", "OK view=12 more", true);
        check("OK \"a | b\"", "OK \"a | b\"", true);
    }

    #[test]
    fn variables_are_bound_once_and_compared_later() {
        check("view=$v", "view=7", true);
        check("view=$v", "view=8", false);
        check("view=$w>$v: a", "view=8: a", true);
        check("view=$w>$v: a", "view=7: a", false);
        check("$x $x", "same same", true);
        check("$x $x", "same other", false);
    }

    #[test]
    fn variables_fill_calls() {
        let bindings = Bindings::from([("h".to_owned(), "5".to_owned())]);
        assert_eq!(fill("handle=$h,", &bindings), Ok("handle=5,".to_owned()));
        assert!(fill("$none", &bindings).is_err());
    }
}
