//! Reading the words of a call, and what vocabularies print alike.

use ais_types::{Name, NodeId, Time};
use std::{collections::VecDeque, time::Duration};

/// The nodes of a scenario: what they are called there, and by the services.
#[derive(Clone, Debug, Default)]
pub struct Names(Vec<(String, NodeId, Name)>);

impl Names {
    /// No node yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A node: its name in the scenario, its id and its name.
    pub fn add(&mut self, node: &str, id: NodeId, name: Name) {
        self.0.push((node.to_owned(), id, name));
    }

    /// The id of a node of the scenario.
    #[must_use]
    pub fn id(&self, node: &str) -> Option<NodeId> {
        self.0.iter().find(|it| it.0 == node).map(|it| it.1)
    }

    /// The service's name of a node of the scenario.
    #[must_use]
    pub fn name(&self, node: &str) -> Option<&Name> {
        self.0.iter().find(|it| it.0 == node).map(|it| &it.2)
    }

    /// The node with this id, as the scenario calls it.
    #[must_use]
    pub fn of_id(&self, id: NodeId) -> String {
        self.0
            .iter()
            .find(|it| it.1 == id)
            .map_or_else(|| format!("node-{}", id.0), |it| it.0.clone())
    }

    /// The node with this name, as the scenario calls it; any other name as it is.
    #[must_use]
    pub fn of_name(&self, name: &Name) -> String {
        self.0.iter().find(|it| it.2 == *name).map_or_else(|| name.to_string(), |it| it.0.clone())
    }
}

/// The words of a call, read from the front.
#[derive(Clone, Debug)]
pub struct Words(VecDeque<String>);

impl Words {
    /// Of these words; variables are filled in already, quotes are gone.
    #[must_use]
    pub fn new(words: impl IntoIterator<Item = String>) -> Self {
        Self(words.into_iter().collect())
    }

    /// The next word, if there is one.
    pub fn try_next(&mut self) -> Option<String> {
        self.0.pop_front()
    }

    /// The next word.
    ///
    /// # Errors
    /// When there is none; `what` says what is missing.
    pub fn next(&mut self, what: &str) -> Result<String, String> {
        self.try_next().ok_or_else(|| format!("{what} is missing"))
    }

    /// Takes this word, wherever it stands; says whether it was there.
    pub fn flag(&mut self, word: &str) -> bool {
        let at = self.0.iter().position(|it| it == word);
        at.is_some_and(|at| self.0.remove(at).is_some())
    }

    /// Takes `key=value`, wherever it stands.
    pub fn value(&mut self, key: &str) -> Option<String> {
        let value = |it: &String| it.strip_prefix(key)?.strip_prefix('=').map(str::to_owned);
        let at = self.0.iter().position(|it| value(it).is_some())?;
        self.0.remove(at).as_ref().and_then(value)
    }

    /// The next word as a number, decimal or `0x…`.
    ///
    /// # Errors
    /// When it is missing or no such number.
    pub fn number<T: TryFrom<u64>>(&mut self, what: &str) -> Result<T, String> {
        number(&self.next(what)?, what)
    }

    /// Takes `key=number`, wherever it stands.
    ///
    /// # Errors
    /// When it is no such number.
    pub fn number_value<T: TryFrom<u64>>(&mut self, key: &str) -> Result<Option<T>, String> {
        self.value(key).map(|it| number(&it, key)).transpose()
    }

    /// The next word as a time: `10s`, `200ms`, `5ns`, `0`, `-1`, `END`, `UNKNOWN`.
    ///
    /// # Errors
    /// When it is missing or no time.
    pub fn time(&mut self, what: &str) -> Result<Time, String> {
        time(&self.next(what)?)
    }

    /// Takes `key=time`, wherever it stands.
    ///
    /// # Errors
    /// When it is no time.
    pub fn time_value(&mut self, key: &str) -> Result<Option<Time>, String> {
        self.value(key).map(|it| time(&it)).transpose()
    }

    /// The next word as a name.
    ///
    /// # Errors
    /// When it is missing or too long.
    pub fn name(&mut self, what: &str) -> Result<Name, String> {
        Name::new(expand(&self.next(what)?)).map_err(|error| error.to_string())
    }

    /// The next word as bytes; `x{1000}` is a thousand `x`.
    ///
    /// # Errors
    /// When it is missing.
    pub fn bytes(&mut self, what: &str) -> Result<Vec<u8>, String> {
        self.next(what).map(|it| expand(&it))
    }

    /// All words have been read.
    ///
    /// # Errors
    /// Names what is left.
    pub fn end(&self) -> Result<(), String> {
        match self.0.front() {
            None => Ok(()),
            Some(word) => Err(format!("{word:?} has no meaning here")),
        }
    }
}

fn number<T: TryFrom<u64>>(text: &str, what: &str) -> Result<T, String> {
    let number = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    };
    let fits = number.and_then(|it| T::try_from(it).ok());
    fits.ok_or_else(|| format!("{what}: {text:?} is no number of that size"))
}

/// Also as a sum: `$created+10s`.
fn time(text: &str) -> Result<Time, String> {
    if let Some((moment, later)) = text.split_once('+') {
        return Ok(time(moment)?.plus(Time::from(duration(later)?)));
    }
    match text {
        "END" => Ok(Time::END),
        "UNKNOWN" => Ok(Time::UNKNOWN),
        _ => match text.parse() {
            Ok(nanos) => Ok(Time(nanos)),
            Err(_) => duration(text).map(Time::from),
        },
    }
}

/// `10s`, `200ms`, `7us`, `5ns`.
///
/// # Errors
/// When it is none.
pub fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let unit = match &text[digits..] {
        "s" => Some(1_000_000_000),
        "ms" => Some(1_000_000),
        "us" => Some(1_000),
        "ns" => Some(1),
        _ => None,
    };
    let count = text[..digits].parse::<u64>().ok();
    let nanos = unit.zip(count).and_then(|(unit, count)| count.checked_mul(unit));
    nanos.map(Duration::from_nanos).ok_or_else(|| format!("{text:?} is no duration"))
}

/// A duration as [`duration`] reads it.
#[must_use]
pub fn time_text(time: Time) -> String {
    match time.0 {
        0 => "0".to_owned(),
        nanos if nanos < 0 || time == Time::END => time.to_string(),
        nanos if nanos % 1_000_000_000 == 0 => format!("{}s", nanos / 1_000_000_000),
        nanos if nanos % 1_000_000 == 0 => format!("{}ms", nanos / 1_000_000),
        nanos => format!("{nanos}ns"),
    }
}

/// `x{1000}` is a thousand `x`; anything else is itself.
pub(super) fn expand(word: &str) -> Vec<u8> {
    let mut chars = word.chars();
    let count = chars
        .next()
        .and_then(|_| chars.as_str().strip_prefix('{')?.strip_suffix('}')?.parse::<usize>().ok());
    match (count, word.chars().next()) {
        (Some(count), Some(letter)) => letter.to_string().repeat(count).into_bytes(),
        (None, _) | (_, None) => word.as_bytes().to_vec(),
    }
}

/// Bytes as scenarios write them: in quotes, `x{1000}` if long and all the same, hexadecimal if
/// they are no text.
#[must_use]
pub fn bytes_text(bytes: &[u8]) -> String {
    const LONG: usize = 32;
    match (bytes.first(), std::str::from_utf8(bytes)) {
        (Some(first), _) if bytes.len() > LONG && bytes.iter().all(|it| it == first) => {
            format!("{}{{{}}}", *first as char, bytes.len())
        }
        (_, Ok(text)) if !text.contains(char::is_control) => format!("\"{text}\""),
        (_, _) => {
            let digits: String = bytes.iter().map(|it| format!("{it:02x}")).collect();
            format!("0x{digits}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_wherever_they_stand() {
        let mut words = Words::new(["open", "x", "size=0x10", "create"].map(String::from));
        assert!(words.flag("create"));
        assert_eq!(words.number_value::<u32>("size"), Ok(Some(16)));
        assert_eq!(words.next("a verb").as_deref(), Ok("open"));
        assert!(words.end().is_err());
    }

    #[test]
    fn times_and_bytes_read_as_printed() {
        assert_eq!(time("5+1s"), Ok(Time(1_000_000_005)));
        for text in ["10s", "200ms", "5ns", "0", "END"] {
            assert_eq!(time(text).map(time_text).as_deref(), Ok(text));
        }
        assert_eq!(bytes_text(&expand("x{1000}")), "x{1000}");
        assert_eq!(bytes_text(b"hello"), "\"hello\"");
        assert_eq!(bytes_text(&[0, 255]), "0x00ff");
    }
}
