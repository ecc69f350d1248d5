//! The clauses of the specification, and which of them have scenarios.
//!
//! A list is a file (`clauses/<service>.txt`): `document CKPT-B.02.02`, and below it a clause a line,
//! its number (`-` if it is only known by name) and what it is about. A bar and a reason follow
//! where no scenario can ask.

use crate::Outcome;
use std::collections::BTreeMap;

/// One clause of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// `CKPT-B.02.02`
    pub document: String,
    /// `3.6.1`, if it is known by one.
    pub number: Option<String>,
    /// The functions that it is about, or its subject.
    pub title: String,
    /// Why no scenario can ask about it.
    pub exempt: Option<String>,
}

impl Clause {
    /// `3.6.1 saCkptCheckpointOpen, saCkptCheckpointOpenAsync`
    #[must_use]
    pub fn text(&self) -> String {
        match &self.number {
            Some(number) => format!("{number} {}", self.title),
            None => self.title.clone(),
        }
    }

    fn is_called(&self, reference: &str) -> bool {
        self.number.as_deref() == Some(reference)
            || self.title.split(", ").any(|name| name == reference)
    }
}

/// The clauses of a service, in the order of its list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clauses(Vec<Clause>);

impl Clauses {
    /// Reads a list.
    ///
    /// # Errors
    /// With the line, when it is none.
    pub fn read(text: &str) -> Result<Self, String> {
        let (mut clauses, mut document) = (Vec::<Clause>::new(), None);
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |what: &str| format!("line {number}: {what}");
            let (first, rest) =
                line.split_once(' ').ok_or_else(|| wrong("a clause about what?"))?;
            let rest = rest.trim();
            if first == "document" {
                document = Some(rest.to_owned());
                continue;
            }
            let (title, exempt) = match rest.split_once('|') {
                Some((title, reason)) => (title.trim(), Some(reason.trim().to_owned())),
                None => (rest, None),
            };
            let clause = Clause {
                document: document.clone().ok_or_else(|| wrong("of which document?"))?,
                number: (first != "-").then(|| first.to_owned()),
                title: title.to_owned(),
                exempt,
            };
            if clauses.iter().any(|it| it.document == clause.document && same(it, &clause)) {
                return Err(wrong("the clause is listed already"));
            }
            clauses.push(clause);
        }
        Ok(Self(clauses))
    }

    /// In the order of the list.
    pub fn iter(&self) -> impl Iterator<Item = &Clause> {
        self.0.iter()
    }

    /// The clauses that a scenario cites: `CKPT-B.02.02 3.7.6, 3.7.7`. What is not listed itself
    /// belongs to what it is a part of: 3.6.2.3 to 3.6.2.
    ///
    /// # Errors
    /// Names what is not in the list.
    pub fn cited(&self, citation: &str) -> Result<Vec<&Clause>, String> {
        let (mut found, mut document) = (Vec::new(), "");
        for part in citation.split(',') {
            let part = part.trim();
            let (of, reference) = part.split_once(' ').unwrap_or((document, part));
            document = of;
            let clause = self.find(of, reference.trim());
            found.push(
                clause.ok_or_else(|| format!("no clause {reference:?} of {of:?} is listed"))?,
            );
        }
        Ok(found)
    }

    fn find(&self, document: &str, reference: &str) -> Option<&Clause> {
        let mut reference = reference;
        loop {
            let is = |it: &&Clause| it.document == document && it.is_called(reference);
            if let Some(found) = self.0.iter().find(is) {
                return Some(found);
            }
            reference = reference.rsplit_once('.')?.0;
        }
    }

    /// Each clause with what came of the scenarios that cite it.
    #[must_use]
    pub fn coverage<'a>(&'a self, outcomes: &'a [Outcome]) -> Vec<(&'a Clause, Vec<&'a Outcome>)> {
        let mut of: BTreeMap<(&str, &str, &str), Vec<&Outcome>> = BTreeMap::new();
        for outcome in outcomes {
            for clause in self.cited(&outcome.clause).unwrap_or_default() {
                of.entry(key(clause)).or_default().push(outcome);
            }
        }
        self.0.iter().map(|it| (it, of.remove(&key(it)).unwrap_or_default())).collect()
    }
}

fn key(clause: &Clause) -> (&str, &str, &str) {
    (&clause.document, clause.number.as_deref().unwrap_or(""), &clause.title)
}

fn same(one: &Clause, other: &Clause) -> bool {
    match (&one.number, &other.number) {
        (None, None) => one.title == other.title,
        (one, other) => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "# x\ndocument X-1\n3.1  one, two\n3.2  three | memory\n-    four\n";

    #[test]
    fn a_clause_is_found_by_number_by_name_and_by_its_part() {
        let list = Clauses::read(LIST).expect("readable");
        let titles = |citation: &str| -> Result<Vec<String>, String> {
            list.cited(citation).map(|all| all.iter().map(|it| it.title.clone()).collect())
        };
        assert_eq!(titles("X-1 3.1"), Ok(vec!["one, two".to_owned()]));
        assert_eq!(titles("X-1 two"), Ok(vec!["one, two".to_owned()]));
        assert_eq!(titles("X-1 3.2.5.1, four"), Ok(vec!["three".to_owned(), "four".to_owned()]));
        assert!(titles("X-1 3").is_err_and(|it| it.contains("\"3\"")));
        assert!(titles("Y-1 3.1").is_err());
    }

    #[test]
    fn a_broken_list_names_its_line() {
        for (text, said) in [
            ("3.1 x", "line 1: of which document?"),
            ("document X\n3.1", "line 2: a clause about what?"),
            ("document X\n3.1 a\n3.1 b", "line 3: the clause is listed already"),
        ] {
            assert_eq!(Clauses::read(text), Err(said.to_owned()));
        }
    }
}
