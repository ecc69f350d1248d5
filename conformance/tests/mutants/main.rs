//! The suite is tested itself: implementations that break one rule each must be caught, and the
//! honest one must go free.

mod amf;
mod ckpt;
mod clm;
mod liar;
mod msg;

use ais_conformance_core::{Options, Scenario, Verdict, parse, run, scenarios};
use liar::Mutant;

fn of_service(service: &str) -> Vec<Scenario> {
    let prefix = format!("{service}/");
    let all = scenarios().iter().filter(|(id, _)| id.starts_with(&prefix));
    all.map(|(id, text)| parse(id, text).expect("readable")).collect()
}

/// Which `shall` scenarios fail, in their order; looked for only as far as somebody asks.
fn caught_by<'a>(mutant: &'a Mutant, all: &'a [Scenario]) -> impl Iterator<Item = &'a str> {
    let fails = |it: &&Scenario| matches!(run(it, mutant, Options::default()), Verdict::Fail(_));
    all.iter().filter(fails).map(|it| it.id.as_str())
}

/// Each of them must be caught by a scenario of the service.
#[track_caller]
fn check(service: &str, mutants: &[Mutant]) {
    let all = of_service(service);
    let missed = mutants.iter().filter(|it| caught_by(it, &all).next().is_none());
    let missed: Vec<&str> = missed.map(|it| it.name).collect();
    assert!(missed.is_empty(), "nobody notices: {missed:?}");
}

#[test]
fn whoever_breaks_a_rule_of_clm_is_caught() {
    check("clm", clm::MUTANTS);
}

#[test]
fn whoever_breaks_a_rule_of_ckpt_is_caught() {
    check("ckpt", ckpt::MUTANTS);
}

#[test]
fn whoever_breaks_a_rule_of_msg_is_caught() {
    check("msg", msg::MUTANTS);
}

#[test]
fn whoever_breaks_a_rule_of_amf_is_caught() {
    check("amf", amf::MUTANTS);
}

#[test]
fn the_honest_one_goes_free() {
    for service in ["clm", "ckpt", "msg", "amf"] {
        let all = of_service(service);
        let caught: Vec<&str> = caught_by(&liar::HONEST, &all).collect();
        assert_eq!(caught, Vec::<&str>::new());
    }
}
