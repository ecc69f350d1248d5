//! Reads a scenario file.

use crate::{
    Action, Fault, Level, NodeSpec, Pattern, Scenario, SessionName, Setup, Step, Word,
    scenario::{Expected, ExpectedCallback},
    vocabulary,
};
use ais_types::ServiceId;
use std::collections::BTreeSet;

/// What is wrong with a scenario file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{id}, line {line}: {what}")]
pub struct ParseError {
    /// Which scenario.
    pub id: String,
    /// Counted from 1.
    pub line: usize,
    /// What.
    pub what: String,
}

/// Reads a scenario.
///
/// # Errors
/// With the line, when it is none.
pub fn parse(id: &str, text: &str) -> Result<Scenario, ParseError> {
    let mut parser = Parser::new(id);
    for (index, line) in text.lines().enumerate() {
        let fail = |what| ParseError { id: id.to_owned(), line: index + 1, what };
        parser.line(index + 1, line).map_err(fail)?;
    }
    parser.finish().map_err(|what| ParseError { id: id.to_owned(), line: 1, what })
}

struct Parser {
    id: String,
    clause: Option<String>,
    rule: Option<(Level, String)>,
    service: Option<ServiceId>,
    setup: Setup,
    processes: BTreeSet<String>,
    steps: Vec<Step>,
    model_open: bool,
}

impl Parser {
    fn new(id: &str) -> Self {
        let service = id.split('/').next().and_then(vocabulary::service);
        Self {
            id: id.to_owned(),
            clause: None,
            rule: None,
            service,
            setup: Setup::default(),
            processes: BTreeSet::new(),
            steps: Vec::new(),
            model_open: false,
        }
    }

    fn line(&mut self, number: usize, line: &str) -> Result<(), String> {
        if self.model_open && (line.starts_with("  ") || line.trim().is_empty()) {
            let model = self.setup.model.get_or_insert_default();
            model.push_str(line.strip_prefix("  ").unwrap_or_default());
            model.push('\n');
            return Ok(());
        }
        self.model_open = false;
        if let (true, Some((_, rule))) = (line.starts_with(' '), &mut self.rule)
            && self.steps.is_empty()
        {
            rule.push(' ');
            rule.push_str(line.trim());
            return Ok(());
        }
        let line = without_comment(line).trim();
        if line.is_empty() {
            return Ok(());
        }
        self.statement(number, line)
    }

    fn statement(&mut self, number: usize, line: &str) -> Result<(), String> {
        let (first, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        match first {
            "clause" => self.clause = Some(rest.to_owned()),
            "shall" => self.rule = Some((Level::Shall, rest.to_owned())),
            "should" => self.rule = Some((Level::Should, rest.to_owned())),
            "may" => self.rule = Some((Level::May, rest.to_owned())),
            "service" => {
                let service = vocabulary::service(rest);
                self.service = Some(service.ok_or_else(|| format!("no service {rest:?}"))?);
            }
            "cluster" => self.setup.nodes = cluster(rest)?,
            "model" => self.model_open = true,
            "=" => self.expect_answer(Expected::Answer(Pattern::new(rest)))?,
            "~" => self.expect_answer(Expected::Eventually(Pattern::new(rest)))?,
            ">" => self.expect_callback(number, rest, false)?,
            ">?" => self.expect_callback(number, rest, true)?,
            _ => {
                let action = self.action(first, rest)?;
                self.steps.push(Step { line: number, text: line.to_owned(), action });
            }
        }
        Ok(())
    }

    /// An answer belongs to the call above it.
    fn expect_answer(&mut self, answer: Expected) -> Result<(), String> {
        match (self.steps.last_mut().map(|it| &mut it.action), answer) {
            (Some(Action::Call { background: None, expected, .. }), answer) => *expected = answer,
            (
                Some(Action::Finalize { pattern, .. } | Action::Dispatch { pattern, .. }),
                Expected::Answer(it),
            ) => *pattern = Some(it),
            (_, _) => return Err("there is no call to which this is the answer".to_owned()),
        }
        Ok(())
    }

    /// A callback belongs to the dispatch above it.
    fn expect_callback(&mut self, line: usize, text: &str, optional: bool) -> Result<(), String> {
        match self.steps.last_mut().map(|it| &mut it.action) {
            Some(Action::Dispatch { callbacks, .. }) => {
                callbacks.push(ExpectedCallback { line, pattern: Pattern::new(text), optional });
                Ok(())
            }
            _ => Err("there is no dispatch in which this is called back".to_owned()),
        }
    }

    fn action(&mut self, first: &str, rest: &str) -> Result<Action, String> {
        if self.setup.nodes.is_empty() {
            return Err("the cluster has to come first: cluster of a b".to_owned());
        }
        let words: Vec<&str> = rest.split_whitespace().collect();
        match (first, words.as_slice()) {
            ("process", [process, "on", node]) => {
                self.processes.insert((*process).to_owned());
                Ok(Action::Process { process: (*process).to_owned(), node: self.node(node)? })
            }
            ("component", [process, "=", component]) => {
                self.processes.insert((*process).to_owned());
                let (process, component) = ((*process).to_owned(), (*component).to_owned());
                Ok(Action::Component { process, component })
            }
            ("kill", ["process", process]) => {
                Ok(Action::Fault(Fault::KillProcess(self.process(process)?)))
            }
            ("kill", ["node", node]) => Ok(Action::Fault(Fault::KillNode(self.node(node)?))),
            ("stop", ["node", node]) => Ok(Action::Fault(Fault::StopNode(self.node(node)?))),
            ("start", ["node", node]) => Ok(Action::Fault(Fault::StartNode(self.node(node)?))),
            ("cut", [node]) => Ok(Action::Fault(Fault::Cut(self.node(node)?))),
            ("heal", [node]) => Ok(Action::Fault(Fault::Heal(self.node(node)?))),
            ("wait", [time]) => Ok(Action::Wait(vocabulary::duration(time)?)),
            (label, words) if label.starts_with('&') => background(label, words, rest),
            (session, _) => self.call(session, rest),
        }
    }

    fn call(&self, session: &str, rest: &str) -> Result<Action, String> {
        let (process, handle) = session.split_once(':').unwrap_or((session, ""));
        let process = self.process(process)?;
        let mut words = words(rest)?;
        let background = words.first().filter(|it| !it.quoted).and_then(|it| label(&it.text));
        if background.is_some() {
            words.remove(0);
        }
        let first = words.first_mut().ok_or("what does it do?")?;
        let mut service = self.service;
        if let Some((name, verb)) = first.text.split_once('.')
            && let Some(other) = vocabulary::service(name)
        {
            service = Some(other);
            first.text = verb.to_owned();
        }
        let service = service.ok_or("which service? Say so in the head: service clm")?;
        let session = SessionName { process, service, handle: handle.to_owned() };
        let texts: Vec<&str> = words.iter().map(|it| it.text.as_str()).collect();
        Ok(match texts.as_slice() {
            ["dispatch"] => {
                Action::Dispatch { session, one: false, callbacks: Vec::new(), pattern: None }
            }
            ["dispatch", "one"] => {
                Action::Dispatch { session, one: true, callbacks: Vec::new(), pattern: None }
            }
            ["finalize"] => Action::Finalize { session, pattern: None },
            _ => Action::Call { session, background, words, expected: Expected::Success },
        })
    }

    fn node(&self, name: &str) -> Result<String, String> {
        let known = self.setup.nodes.iter().any(|it| it.name == name);
        known.then(|| name.to_owned()).ok_or_else(|| format!("no node {name:?} in the cluster"))
    }

    fn process(&self, name: &str) -> Result<String, String> {
        let known = self.processes.contains(name);
        known.then(|| name.to_owned()).ok_or_else(|| format!("no process {name:?}"))
    }

    fn finish(self) -> Result<Scenario, String> {
        let (level, rule) = self.rule.ok_or("shall, should or may what?")?;
        if self.steps.is_empty() {
            return Err("nothing happens".to_owned());
        }
        Ok(Scenario {
            id: self.id,
            clause: self.clause.ok_or("which clause?")?,
            level,
            rule,
            service: self.service.ok_or("which service?")?,
            setup: self.setup,
            steps: self.steps,
        })
    }
}

/// `of a b c, witness w`.
fn cluster(text: &str) -> Result<Vec<NodeSpec>, String> {
    let text = text.strip_prefix("of ").ok_or("cluster of which nodes?")?;
    let (hosts, witness) = text.split_once(", witness ").unwrap_or((text, ""));
    let node = |witness| move |it: &str| NodeSpec { name: it.to_owned(), witness };
    let hosts = hosts.split_whitespace().map(node(false));
    Ok(hosts.chain(witness.split_whitespace().map(node(true))).collect())
}

fn background(text: &str, words: &[&str], rest: &str) -> Result<Action, String> {
    let label = label(text).ok_or("a label looks like &1")?;
    match words {
        ["pending"] => Ok(Action::Pending { label }),
        ["=", ..] => Ok(Action::Result { label, pattern: Pattern::new(&rest[1..]) }),
        _ => Err(format!("{text} = what, or pending?")),
    }
}

fn label(text: &str) -> Option<String> {
    text.strip_prefix('&').filter(|it| !it.is_empty()).map(str::to_owned)
}

/// Words between blanks; double quotes hold one together.
fn words(text: &str) -> Result<Vec<Word>, String> {
    let (mut words, mut rest) = (Vec::new(), text.trim());
    while !rest.is_empty() {
        let (word, after) = if let Some(quoted) = rest.strip_prefix('"') {
            let (word, after) = quoted.split_once('"').ok_or("a quote is not closed")?;
            (Word { text: word.to_owned(), quoted: true }, after)
        } else {
            let (word, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            (Word { text: word.to_owned(), quoted: false }, after)
        };
        words.push(word);
        rest = after.trim_start();
    }
    Ok(words)
}

/// A comment begins with `#` at the beginning of the line or after a blank, outside quotes.
fn without_comment(line: &str) -> &str {
    let (mut quoted, mut before) = (false, ' ');
    for (at, c) in line.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '#' if !quoted && before.is_whitespace() => return &line[..at],
            _ => {}
        }
        before = c;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "clause X 1\nshall be\n  so\ncluster of a b, witness w\nprocess p on a\n";

    #[track_caller]
    fn check(body: &str, expected: Result<usize, &str>) {
        let actual = parse("clm/x", &format!("{HEAD}{body}"));
        let actual = actual.map(|it| it.steps.len()).map_err(|it| it.to_string());
        match expected {
            Ok(steps) => assert_eq!(actual, Ok(steps)),
            Err(part) => assert!(actual.as_ref().is_err_and(|it| it.contains(part)), "{actual:?}"),
        }
    }

    #[test]
    fn reads_calls_callbacks_faults_and_background_calls() {
        check("p track current # now\n= OK\np dispatch\n> track ...\n", Ok(3));
        check("p &1 node-get a 1s\n&1 pending\n&1 = OK\nkill node b\nwait 10s\n", Ok(6));
    }

    #[test]
    fn says_what_is_wrong_and_where() {
        check("q track\n", Err("line 6: no process \"q\""));
        check("kill node z\n", Err("no node \"z\""));
        check("> x\n", Err("no dispatch"));
        check("wait long\n", Err("no duration"));
    }

    #[test]
    fn the_rule_goes_on_in_indented_lines() {
        let scenario = parse("clm/x", &format!("{HEAD}p track\n")).expect("is one");
        assert_eq!(scenario.rule, "be so");
        assert_eq!(scenario.nodes().iter().filter(|it| it.witness).count(), 1);
    }
}
