//! Outcomes as text, as JUnit XML, and as a Markdown matrix of clauses.

use crate::{Outcome, Verdict};
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

/// JUnit's XML, which most continuous-integration systems read.
#[must_use]
pub fn junit(implementation: &str, outcomes: &[Outcome]) -> String {
    let failed = outcomes.iter().filter(|it| it.verdict.is_failure()).count();
    let passed = outcomes.iter().filter(|it| it.verdict == Verdict::Pass).count();
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        xml,
        "<testsuite name=\"ais-conformance {}\" tests=\"{}\" failures=\"{failed}\" skipped=\"{}\">",
        escape(implementation),
        outcomes.len(),
        outcomes.len() - failed - passed,
    );
    for it in outcomes {
        let (class, name) = it.id.split_once('/').unwrap_or(("", &it.id));
        let _ = write!(
            xml,
            "  <testcase classname=\"{}\" name=\"{}\" time=\"{:.3}\">",
            escape(class),
            escape(name),
            it.took.as_secs_f64()
        );
        let reason = escape(&it.verdict.reason());
        let _ = match &it.verdict {
            Verdict::Pass => Ok(()),
            Verdict::Fail(_) | Verdict::UnexpectedPass(_) => write!(
                xml,
                "<failure message=\"{}\">{reason}</failure>",
                escape(&format!("{}: {}", it.clause, it.rule))
            ),
            Verdict::NotStrict(_)
            | Verdict::Inconclusive(_)
            | Verdict::NotSupported(_)
            | Verdict::KnownGap(_) => {
                write!(xml, "<skipped message=\"{}: {reason}\"/>", it.verdict.word())
            }
        };
        xml.push_str("</testcase>\n");
    }
    xml.push_str("</testsuite>\n");
    xml
}

/// A matrix of clauses and implementations: how many of a clause's scenarios pass.
#[must_use]
pub fn markdown(runs: &[(String, Vec<Outcome>)]) -> String {
    let mut clauses: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for outcome in runs.iter().flat_map(|it| &it.1) {
        clauses.entry(&outcome.clause).or_default();
    }
    for (clause, cells) in &mut clauses {
        cells.extend(runs.iter().map(|(_, outcomes)| cell(clause, outcomes)));
    }
    let heads: Vec<&str> = runs.iter().map(|it| it.0.as_str()).collect();
    let mut table = format!("| clause | {} |\n", heads.join(" | "));
    let _ = writeln!(table, "|---|{}", "---|".repeat(runs.len()));
    for (clause, cells) in clauses {
        let _ = writeln!(table, "| {clause} | {} |", cells.join(" | "));
    }
    table
}

/// `3 pass, 1 **FAIL**`.
fn cell(clause: &str, outcomes: &[Outcome]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for outcome in outcomes.iter().filter(|it| it.clause == clause) {
        *counts.entry(outcome.verdict.word()).or_default() += 1;
    }
    let counts: Vec<String> = counts
        .iter()
        .map(|(word, count)| match word.chars().all(|it| it.is_uppercase() || it == ' ') {
            true => format!("{count} **{word}**"),
            false => format!("{count} {word}"),
        })
        .collect();
    counts.join(", ")
}

fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;")
}
