//! A conformance suite for the Application Interface Specification: what a scenario is, and who
//! judges by it. It knows no implementation; whoever has one writes an adapter
//! ([`Implementation`], [`Cluster`]) and gets a [`Verdict`] for each scenario.
//!
//! **A scenario is a transcript written from the specification**, one behaviour a file
//! (`scenarios/<service>/<clause>-<what>.txt`):
//!
//! ```text
//! clause  CLM-B.04.01 3.6.3
//! shall   refuse to stop tracking that is not in effect
//! service clm
//!
//! cluster of a b                  # also: cluster of a b, witness w
//! process p on a
//!
//! # Asking once for the current membership is not tracking.
//! p track current                 # a call; the first one on a handle initialises it
//! = OK                            # what it returns; without a line: any success
//! p dispatch                      # waits for the callbacks below, and sees that there are no more
//! > track view=*: a, b
//! p track-stop
//! = ERR_NOT_EXIST
//! ```
//!
//! - **Level**: `shall`, `should` or `may`; a `should` fails only if asked to be strict.
//! - **Calls**: `p verb words…`; the words belong to the service's vocabulary
//!   ([`vocabulary`]). A process has one handle a service, further ones have names: `p:second
//!   initialize B.01.01`. Another service's verbs: `p msg.send …`. `p finalize` ends a handle.
//! - **Results**: `= …`, with `|` between permitted alternatives; `~ …` instead repeats the call
//!   until it answers so. A single word (`OK`, `ERR_EXIST`) looks only at the first word of the
//!   answer.
//! - **Callbacks**: `> …` in order, below `p dispatch`; `>? …` may come any number of times.
//!   `p dispatch one` runs at most one. Below it `= ERR_…`, if that is what dispatching returns.
//! - **Patterns**: `*` is anything within a word, `...` is anything at all, `$x` takes a value and
//!   must meet the same one later (also in the words of calls: `p write $x "text"`), `$y>$x` takes a
//!   number greater than that one. Text is in double quotes; `x{1000}` is a thousand `x`.
//! - **Blocking calls**: `p &1 get $q 10s` goes on in the background, `&1 pending` sees that it has
//!   not returned, `&1 = …` waits for what it returns.
//! - **Faults**: `kill process p`, `kill node b` (as by loss of power), `stop node b` (as by its
//!   operator), `start node b`, `cut b` (from all others), `heal b`. Each returns when the others
//!   have noticed. `wait 10s` stands only where a clause speaks of durations.
//! - **AMF**: the lines below `model`, each beginning with two blanks, are the AMF model;
//!   `component p = safComp=…` waits until AMF has started a process for that component.
//!
//! `TRY_AGAIN` is retried within the adapter's patience; `TIMEOUT` makes a scenario inconclusive,
//! because the text leaves the outcome open, unless it is what the scenario expects;
//! `NOT_SUPPORTED` is a verdict of its own.
//!
//! Expectations come from the text of the specification, never from our own output. A scenario
//! asks no more than its clause does; what the text leaves open is `*`, what it leaves unclear has
//! both readings, with a comment.
#![forbid(unsafe_code)]

mod clauses;
mod gaps;
mod implementation;
mod parse;
mod pattern;
mod report;
mod runner;
mod scenario;
mod verdict;
pub mod vocabulary;

pub use clauses::{Clause, Clauses};
pub use gaps::{Gap, Gaps};
pub use implementation::{
    Cluster, Fault, Feature, Implementation, NodeSpec, SessionName, Setup, Ticket, Trouble,
};
pub use parse::{ParseError, parse};
pub use pattern::{Bindings, Pattern};
pub use report::{Run, coverage, junit, markdown, summary, text};
pub use runner::{Options, run, run_all, run_at_once};
pub use scenario::{Action, Level, Scenario, Step, Word};
pub use verdict::{Failure, Outcome, Verdict};
pub use vocabulary::{AnyCall, AnyCallback, AnyReply, Names, Words};

include!(concat!(env!("OUT_DIR"), "/scenarios.rs"));

/// The scenarios of the project, as (identity, text), by identity: `("clm/…", "clause …")`.
#[must_use]
pub fn scenarios() -> &'static [(&'static str, &'static str)] {
    SCENARIOS
}

/// The clauses of a service; none for a service that has no list.
///
/// # Errors
/// When the list is broken.
pub fn clauses(service: &str) -> Result<Clauses, String> {
    let list = CLAUSES.iter().find(|it| it.0 == service);
    list.map_or_else(|| Ok(Clauses::default()), |it| Clauses::read(it.1))
}
