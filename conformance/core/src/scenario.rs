//! What a scenario says, once read.

use crate::{Fault, NodeSpec, Pattern, SessionName, Setup};
use ais_types::ServiceId;
use std::time::Duration;

/// How much the specification insists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Must be so.
    Shall,
    /// Fails only if asked to be strict.
    Should,
    /// Permitted; told, never failed.
    May,
}

/// One behaviour, as a transcript.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// `clm/3.6.3-stop-without-track`: a prefix selects a service or a clause.
    pub id: String,
    /// The document and the clause.
    pub clause: String,
    /// How much the clause insists.
    pub level: Level,
    /// What the clause demands, as a sentence that goes on after the level.
    pub rule: String,
    /// Whose verbs the calls are.
    pub service: ServiceId,
    /// The cluster it needs.
    pub setup: Setup,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

impl Scenario {
    /// The nodes of the cluster.
    #[must_use]
    pub fn nodes(&self) -> &[NodeSpec] {
        &self.setup.nodes
    }
}

/// One thing that happens.
#[derive(Clone, Debug)]
pub struct Step {
    /// Where in the file, counted from 1.
    pub line: usize,
    /// As written.
    pub text: String,
    /// What.
    pub action: Action,
}

/// One thing that happens.
#[derive(Clone, Debug)]
pub enum Action {
    /// A process comes to be on a node.
    Process {
        /// Its name in the scenario.
        process: String,
        /// Where.
        node: String,
    },
    /// A process that AMF has started for a component gets a name.
    Component {
        /// Its name in the scenario.
        process: String,
        /// The component's name.
        component: String,
    },
    /// A call.
    Call {
        /// By which handle.
        session: SessionName,
        /// Not waited for; its result comes up under this label.
        background: Option<String>,
        /// The verb and its words.
        words: Vec<Word>,
        /// What it shall return.
        expected: Expected,
    },
    /// The result of a background call is waited for.
    Result {
        /// Which call.
        label: String,
        /// What it shall return.
        pattern: Pattern,
    },
    /// A background call shall not have returned.
    Pending {
        /// Which call.
        label: String,
    },
    /// Callbacks are run.
    Dispatch {
        /// Of which handle.
        session: SessionName,
        /// At most one.
        one: bool,
        /// Which ones, in order.
        callbacks: Vec<ExpectedCallback>,
        /// What that shall return.
        pattern: Option<Pattern>,
    },
    /// A handle is finalized.
    Finalize {
        /// Which.
        session: SessionName,
        /// What that shall return.
        pattern: Option<Pattern>,
    },
    /// Something breaks, or is mended.
    Fault(Fault),
    /// Time passes.
    Wait(Duration),
}

/// What a call shall return.
#[derive(Clone, Debug)]
pub enum Expected {
    /// Any success.
    Success,
    /// This.
    Answer(Pattern),
    /// This, now or later: the call is repeated until it does.
    Eventually(Pattern),
}

/// A callback that shall or may come.
#[derive(Clone, Debug)]
pub struct ExpectedCallback {
    /// Where in the file.
    pub line: usize,
    /// What it looks like.
    pub pattern: Pattern,
    /// It may come any number of times, none included.
    pub optional: bool,
}

/// One word of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Without its quotes.
    pub text: String,
    /// It had quotes: taken as it is.
    pub quoted: bool,
}
