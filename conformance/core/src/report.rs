//! Outcomes as text, as JUnit XML, and as a Markdown matrix of clauses.

use crate::{Clause, Clauses, Outcome, Verdict};
use std::{collections::BTreeMap, fmt::Write};

/// One line an outcome, and what went wrong below it.
#[must_use]
pub fn text(outcome: &Outcome) -> String {
    let mut line = format!("{:<15} {}", outcome.verdict.word(), outcome.id);
    match &outcome.verdict {
        Verdict::Pass => {}
        Verdict::Fail(_) | Verdict::NotStrict(_) => {
            let reason = outcome.verdict.reason().replace('\n', "\n    ");
            line += &format!("\n    {}: {}\n    {reason}", outcome.clause, outcome.rule);
        }
        Verdict::Inconclusive(_)
        | Verdict::NotSupported(_)
        | Verdict::KnownGap(_)
        | Verdict::UnexpectedPass(_) => line += &format!(" ({})", outcome.verdict.reason()),
    }
    line
}

/// `N passed, N failed, N skipped`; and whether nothing failed.
#[must_use]
pub fn summary(outcomes: &[Outcome]) -> (String, bool) {
    let passed = outcomes.iter().filter(|it| it.verdict == Verdict::Pass).count();
    let failed = outcomes.iter().filter(|it| it.verdict.is_failure()).count();
    let skipped = outcomes.len() - passed - failed;
    (format!("{passed} passed, {failed} failed, {skipped} skipped"), failed == 0)
}

/// JUnit's XML, which most continuous-integration systems read: a suite an implementation.
#[must_use]
pub fn junit(runs: &[Run]) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    runs.iter().for_each(|run| suite(&mut xml, run));
    xml.push_str("</testsuites>\n");
    xml
}

fn suite(xml: &mut String, Run { implementation, outcomes }: &Run) {
    let failed = outcomes.iter().filter(|it| it.verdict.is_failure()).count();
    let passed = outcomes.iter().filter(|it| it.verdict == Verdict::Pass).count();
    let took: f64 = outcomes.iter().map(|it| it.took.as_secs_f64()).sum();
    let _ = writeln!(
        xml,
        " <testsuite name=\"ais-conformance {}\" tests=\"{}\" failures=\"{failed}\" errors=\"0\" \
         skipped=\"{}\" time=\"{took:.3}\">",
        escape(implementation),
        outcomes.len(),
        outcomes.len() - failed - passed,
    );
    for it in outcomes {
        let (class, name) = it.id.split_once('/').unwrap_or(("", &it.id));
        let _ = write!(
            xml,
            "  <testcase classname=\"ais-conformance.{}\" name=\"{}\" time=\"{:.3}\">",
            escape(class),
            escape(name),
            it.took.as_secs_f64()
        );
        let (word, reason) = (it.verdict.word(), escape(&it.verdict.reason()));
        let _ = match &it.verdict {
            Verdict::Pass => Ok(()),
            Verdict::Fail(_) | Verdict::UnexpectedPass(_) => write!(
                xml,
                "<failure message=\"{}\" type=\"{word}\">{reason}</failure>",
                escape(&format!("{}: {}", it.clause, it.rule)),
            ),
            Verdict::NotStrict(_)
            | Verdict::Inconclusive(_)
            | Verdict::NotSupported(_)
            | Verdict::KnownGap(_) => write!(xml, "<skipped message=\"{word}: {reason}\"/>"),
        };
        xml.push_str("</testcase>\n");
    }
    xml.push_str(" </testsuite>\n");
}

/// What the scenarios came to with one implementation.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its name.
    pub implementation: String,
    /// In the order of the run.
    pub outcomes: Vec<Outcome>,
}

/// A matrix of clauses and implementations: what became of each clause's scenarios. Below it, why
/// those that did not pass did not.
#[must_use]
pub fn markdown(lists: &[Clauses], runs: &[Run]) -> String {
    let heads: Vec<&str> = runs.iter().map(|it| it.implementation.as_str()).collect();
    let mut text = format!("| document | clause | {} |\n", heads.join(" | "));
    let _ = writeln!(text, "|---|---|{}", "---|".repeat(runs.len()));
    for list in lists {
        let columns: Vec<_> = runs.iter().map(|it| list.coverage(&it.outcomes)).collect();
        for (row, clause) in list.iter().enumerate() {
            let cells: Vec<String> =
                columns.iter().map(|column| cell(clause, &column[row].1)).collect();
            let (document, clause) = (&clause.document, clause.text());
            let _ = writeln!(text, "| {document} | {clause} | {} |", cells.join(" | "));
        }
    }
    for run in runs {
        let others = run.outcomes.iter().filter(|it| it.verdict != Verdict::Pass);
        for (at, outcome) in others.enumerate() {
            if at == 0 {
                let _ = writeln!(text, "\n{}, what did not pass:\n", run.implementation);
            }
            let reason = outcome.verdict.reason();
            let reason = reason.lines().map(str::trim).collect::<Vec<_>>().join("; ");
            let _ = writeln!(text, "- `{}`: {}: {reason}", outcome.id, outcome.verdict.word());
        }
    }
    text
}

/// `3 pass, 1 **FAIL**`.
fn cell(clause: &Clause, outcomes: &[&Outcome]) -> String {
    if outcomes.is_empty() {
        return if clause.exempt.is_some() { "not asked" } else { "–" }.to_owned();
    }
    let loud = |word: &str| word.chars().all(|it| it.is_uppercase() || it == ' ');
    let cells = counts(outcomes).into_iter().map(|(word, count)| match loud(word) {
        true => format!("{count} **{word}**"),
        false => format!("{count} {word}"),
    });
    cells.collect::<Vec<_>>().join(", ")
}

fn counts<'a>(outcomes: &[&'a Outcome]) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    outcomes.iter().for_each(|it| *counts.entry(it.verdict.word()).or_default() += 1);
    counts
}

/// Which clauses have scenarios, and what became of those; a summary for each document.
#[must_use]
pub fn coverage(list: &Clauses, outcomes: &[Outcome]) -> String {
    let all = list.coverage(outcomes);
    let mut documents: Vec<&str> = all.iter().map(|it| it.0.document.as_str()).collect();
    documents.dedup();
    let mut text = String::new();
    for document in documents {
        let of_it: Vec<_> = all.iter().filter(|it| it.0.document == document).collect();
        let covered = of_it.iter().filter(|it| !it.1.is_empty()).count();
        let exempt = of_it.iter().filter(|it| it.1.is_empty() && it.0.exempt.is_some()).count();
        let none = of_it.len() - covered - exempt;
        let _ = writeln!(
            text,
            "{document}: of {} clauses {covered} have scenarios, {none} have none, {exempt} cannot be asked",
            of_it.len(),
        );
        for (clause, outcomes) in of_it {
            let what = match (outcomes.as_slice(), &clause.exempt) {
                ([], Some(reason)) => format!("not asked: {reason}"),
                ([], None) => "NO SCENARIO".to_owned(),
                (outcomes, _) => {
                    let counts = counts(outcomes).into_iter();
                    counts
                        .map(|(word, count)| format!("{count} {word}"))
                        .collect::<Vec<_>>()
                        .join(", ")
                }
            };
            let number = clause.number.as_deref().unwrap_or("-");
            let _ = writeln!(text, "  {number:<9} {:<58} {what}", clause.title);
        }
    }
    text
}

/// For XML, which has no way at all to say most control characters.
fn escape(text: &str) -> String {
    let legal = |it: char| !it.is_control() || it == '\n' || it == '\t';
    let text: String = text.chars().map(|it| if legal(it) { it } else { '\u{fffd}' }).collect();
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Failure;
    use std::time::Duration;

    fn outcome(id: &str, clause: &str, verdict: Verdict) -> Outcome {
        let (id, clause, rule) = (id.to_owned(), clause.to_owned(), "shall <be>".to_owned());
        Outcome { id, clause, rule, verdict, took: Duration::from_millis(1500) }
    }

    fn some() -> (Clauses, Vec<Outcome>) {
        let list = Clauses::read("document X-1\n3.1 one\n3.2 two\n3.3 three | memory\n");
        let failure = Failure {
            line: 3,
            action: "p do \"it\" & more".to_owned(),
            expected: "OK".to_owned(),
            actual: "ERR_<x>".to_owned(),
        };
        let outcomes = vec![
            outcome("x/3.1-a", "X-1 3.1", Verdict::Pass),
            outcome("x/3.1-b", "X-1 3.1.4", Verdict::Fail(failure)),
            outcome("x/3.1-c", "X-1 3.1", Verdict::NotSupported("no \"way\"".to_owned())),
        ];
        (list.expect("readable"), outcomes)
    }

    #[test]
    fn the_matrix_has_all_clauses_and_says_what_did_not_pass() {
        let (list, outcomes) = some();
        let text = markdown(&[list], &[Run { implementation: "it".to_owned(), outcomes }]);
        let expected = "\
| document | clause | it |
|---|---|---|
| X-1 | 3.1 one | 1 **FAIL**, 1 not supported, 1 pass |
| X-1 | 3.2 two | – |
| X-1 | 3.3 three | not asked |

it, what did not pass:

- `x/3.1-b`: FAIL: line 3: p do \"it\" & more; expected: OK; actual:   ERR_<x>
- `x/3.1-c`: not supported: no \"way\"
";
        assert_eq!(text, expected);
    }

    #[test]
    fn coverage_names_what_has_no_scenario() {
        let (list, outcomes) = some();
        let text = coverage(&list, &outcomes);
        let lines: Vec<String> =
            text.lines().map(|it| it.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(
            lines,
            [
                "X-1: of 3 clauses 1 have scenarios, 1 have none, 1 cannot be asked",
                "3.1 one 1 FAIL, 1 not supported, 1 pass",
                "3.2 two NO SCENARIO",
                "3.3 three not asked: memory",
            ]
        );
    }

    #[test]
    fn junit_counts_names_and_escapes() {
        let (_, outcomes) = some();
        let xml = junit(&[Run { implementation: "it & co".to_owned(), outcomes }]);
        for part in [
            "<testsuite name=\"ais-conformance it &amp; co\" tests=\"3\" failures=\"1\" \
             errors=\"0\" skipped=\"1\" time=\"4.500\">",
            "<testcase classname=\"ais-conformance.x\" name=\"3.1-a\" time=\"1.500\"></testcase>",
            "<failure message=\"X-1 3.1.4: shall &lt;be&gt;\" type=\"FAIL\">line 3: p do \
             &quot;it&quot; &amp; more\n",
            "<skipped message=\"not supported: no &quot;way&quot;\"/>",
        ] {
            assert!(xml.contains(part), "{part}\n{xml}");
        }
        assert_eq!(xml.matches("<testcase ").count(), xml.matches("</testcase>").count());
    }
}
