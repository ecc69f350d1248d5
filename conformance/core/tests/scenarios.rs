//! Every scenario of the project can be read, and its calls mean something.

use ais_conformance_core::{
    Action, AnyCall, Names, SessionName, Word, Words, clauses, parse, scenarios,
    vocabulary::SERVICES,
};
use ais_types::{Name, NodeId};

#[test]
fn every_scenario_can_be_read() {
    let mut wrong = Vec::new();
    for (id, text) in scenarios() {
        match parse(id, text) {
            Ok(scenario) => wrong.extend(senseless(&scenario)),
            Err(error) => wrong.push(error.to_string()),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_scenario_cites_a_clause_that_is_listed() {
    let mut wrong = Vec::new();
    for (id, text) in scenarios() {
        let (service, _) = id.split_once('/').expect("a service and a name");
        let list = clauses(service).unwrap_or_else(|error| panic!("{service}: {error}"));
        let scenario = parse(id, text).expect("readable");
        wrong.extend(list.cited(&scenario.clause).err().map(|error| format!("{id}: {error}")));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_service_has_a_list_of_clauses() {
    for service in SERVICES {
        assert!(clauses(service).is_ok_and(|it| it.iter().next().is_some()), "{service}");
    }
}

/// Calls that no vocabulary understands. Variables stand for a number here, the last one of a call
/// perhaps for a position.
fn senseless(scenario: &ais_conformance_core::Scenario) -> Vec<String> {
    let mut names = Names::new();
    for (number, node) in (1..).zip(scenario.nodes()) {
        names.add(&node.name, NodeId(number), Name::new(&node.name).expect("short"));
    }
    let calls = scenario.steps.iter().filter_map(|step| match &step.action {
        Action::Call { session, words, .. } => Some((step, session, words)),
        _ => None,
    });
    let read = |session: &SessionName, words: &[Word], last: &str| {
        let is_variable = |it: &Word| it.text.contains('$') && !it.quoted;
        let place = words.iter().rposition(is_variable);
        let words = words.iter().enumerate().map(|(at, it)| match it.text.split_once('$') {
            Some((before, _)) if !it.quoted && Some(at) == place => format!("{before}{last}"),
            Some((before, _)) if !it.quoted => format!("{before}1"),
            _ => it.text.clone(),
        });
        AnyCall::read(session.service, &mut Words::new(words), &names)
    };
    calls
        .filter_map(|(step, session, words)| {
            let read = read(session, words, "1").or_else(|_| read(session, words, "1.1"));
            read.err().map(|wrong| format!("{}, line {}: {wrong}", scenario.id, step.line))
        })
        .collect()
}
