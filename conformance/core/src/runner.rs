//! Runs scenarios and judges.

use crate::{
    Action, AnyCall, AnyCallback, AnyReply, Bindings, Cluster, Failure, Fault, Feature, Gaps,
    Implementation, Level, Names, Outcome, Pattern, Scenario, SessionName, Step, Ticket, Trouble,
    Verdict, Word, Words,
    pattern::fill,
    scenario::{Expected, ExpectedCallback},
    vocabulary::outcome_text,
};
use ais_types::{Error, ErrorCode};
use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroUsize,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc::{Sender, channel},
    },
    thread,
    time::Duration,
};

/// How to judge.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// `should` counts like `shall`.
    pub strict: bool,
}

/// How often TRY_AGAIN is retried, and a call repeated that shall answer something eventually.
const ATTEMPTS: u32 = 100;
/// In between.
const PAUSE: Duration = Duration::from_millis(100);

/// Runs scenarios one after the other; `clock` tells the time that has passed since any moment,
/// `told` hears of each outcome at once.
pub fn run_all<'a>(
    scenarios: impl IntoIterator<Item = &'a Scenario>,
    implementation: &dyn Implementation,
    gaps: &Gaps,
    options: Options,
    clock: &dyn Fn() -> Duration,
    told: &mut dyn FnMut(&Outcome),
) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for scenario in scenarios {
        let outcome = judge(scenario, implementation, gaps, options, clock);
        told(&outcome);
        outcomes.push(outcome);
    }
    outcomes
}

/// As [`run_all`], with so many scenarios under way at the same time. `told` hears of them in their
/// order all the same.
pub fn run_at_once(
    jobs: NonZeroUsize,
    scenarios: &[Scenario],
    implementation: &dyn Implementation,
    gaps: &Gaps,
    options: Options,
    clock: &(dyn Fn() -> Duration + Sync),
    told: &mut dyn FnMut(&Outcome),
) -> Vec<Outcome> {
    let next = AtomicUsize::new(0);
    let work = |done: &Sender<(usize, Outcome)>| {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(scenario) = scenarios.get(at) else { return };
            let outcome = judge(scenario, implementation, gaps, options, clock);
            if done.send((at, outcome)).is_err() {
                return;
            }
        }
    };
    thread::scope(|scope| {
        let (sender, done) = channel();
        for _ in 0..jobs.get() {
            let (sender, work) = (sender.clone(), &work);
            scope.spawn(move || work(&sender));
        }
        drop(sender);
        let (mut early, mut outcomes) = (BTreeMap::new(), Vec::new());
        for (at, outcome) in done {
            early.insert(at, outcome);
            while let Some(outcome) = early.remove(&outcomes.len()) {
                told(&outcome);
                outcomes.push(outcome);
            }
        }
        outcomes
    })
}

fn judge(
    scenario: &Scenario,
    implementation: &dyn Implementation,
    gaps: &Gaps,
    options: Options,
    clock: &dyn Fn() -> Duration,
) -> Outcome {
    let begun = clock();
    let verdict = with_gaps(scenario, implementation, gaps, run(scenario, implementation, options));
    let level = match scenario.level {
        Level::Shall => "shall",
        Level::Should => "should",
        Level::May => "may",
    };
    Outcome {
        id: scenario.id.clone(),
        clause: scenario.clause.clone(),
        rule: format!("{level} {}", scenario.rule),
        verdict,
        took: clock().saturating_sub(begun),
    }
}

fn with_gaps(
    scenario: &Scenario,
    implementation: &dyn Implementation,
    gaps: &Gaps,
    verdict: Verdict,
) -> Verdict {
    let Some(reason) = gaps.reason(&scenario.id, &implementation.name()) else { return verdict };
    match verdict {
        Verdict::Pass => {
            Verdict::UnexpectedPass(format!("listed as a gap ({reason}), and passes: unlist it"))
        }
        Verdict::Fail(_) | Verdict::NotStrict(_) => Verdict::KnownGap(reason.to_owned()),
        other @ (Verdict::Inconclusive(_)
        | Verdict::NotSupported(_)
        | Verdict::KnownGap(_)
        | Verdict::UnexpectedPass(_)) => other,
    }
}

/// Runs one scenario on a cluster of its own.
#[must_use]
pub fn run(scenario: &Scenario, implementation: &dyn Implementation, options: Options) -> Verdict {
    for feature in features(scenario) {
        if let Err(reason) = implementation.supports(feature) {
            return Verdict::NotSupported(reason);
        }
    }
    let end = match Run::start(scenario, implementation) {
        Ok(mut run) => run.steps(&scenario.steps),
        Err(trouble) => Err(End::of(trouble, scenario.steps.first())),
    };
    match end {
        Ok(()) => Verdict::Pass,
        Err(End::Failed(failure)) => match scenario.level {
            Level::Should if options.strict => Verdict::Fail(failure),
            Level::Shall => Verdict::Fail(failure),
            Level::Should | Level::May => Verdict::NotStrict(failure),
        },
        Err(End::Open(reason)) => Verdict::Inconclusive(reason),
        Err(End::NotSupported(reason)) => Verdict::NotSupported(reason),
    }
}

/// What a scenario needs.
fn features(scenario: &Scenario) -> BTreeSet<Feature> {
    let mut features = BTreeSet::from([Feature::Service(scenario.service)]);
    if scenario.nodes().iter().any(|it| it.witness) {
        features.insert(Feature::Witness);
    }
    if scenario.setup.model.is_some() {
        features.insert(Feature::Components);
    }
    features.extend(scenario.steps.iter().filter_map(|it| match &it.action {
        Action::Component { .. } => Some(Feature::Components),
        Action::Fault(Fault::KillProcess(_)) => Some(Feature::KillProcess),
        Action::Fault(Fault::KillNode(_)) => Some(Feature::KillNode),
        Action::Fault(Fault::StopNode(_)) => Some(Feature::StopNode),
        Action::Fault(Fault::StartNode(_)) => Some(Feature::StartNode),
        Action::Fault(Fault::Cut(_) | Fault::Heal(_)) => Some(Feature::Cut),
        Action::Call { session, .. }
        | Action::Dispatch { session, .. }
        | Action::Finalize { session, .. } => Some(Feature::Service(session.service)),
        Action::Process { .. }
        | Action::Result { .. }
        | Action::Pending { .. }
        | Action::Wait(_) => None,
    }));
    features
}

/// Why a run went no further.
enum End {
    Failed(Failure),
    Open(String),
    NotSupported(String),
}

impl End {
    fn of(trouble: Trouble, step: Option<&Step>) -> Self {
        match trouble {
            Trouble::NotSupported(reason) => Self::NotSupported(reason),
            Trouble::Broken(reason) => Self::Failed(Failure {
                line: step.map_or(1, |it| it.line),
                action: step.map_or(String::new(), |it| it.text.clone()),
                expected: "that it can be done".to_owned(),
                actual: reason,
            }),
        }
    }

    fn failed(step: &Step, expected: &str, actual: &str) -> Self {
        Self::Failed(Failure {
            line: step.line,
            action: step.text.clone(),
            expected: expected.to_owned(),
            actual: actual.to_owned(),
        })
    }
}

struct Run {
    cluster: Box<dyn Cluster>,
    names: Names,
    bindings: Bindings,
    background: BTreeMap<String, Ticket>,
    /// Handles on which something was called before: the first call is `Initialize`.
    used: BTreeSet<SessionName>,
}

impl Run {
    fn start(scenario: &Scenario, implementation: &dyn Implementation) -> Result<Self, Trouble> {
        let cluster = implementation.start(&scenario.setup)?;
        let mut names = Names::new();
        for node in scenario.nodes() {
            names.add(&node.name, cluster.node_id(&node.name), cluster.node_name(&node.name));
        }
        Ok(Self {
            cluster,
            names,
            bindings: Bindings::new(),
            background: BTreeMap::new(),
            used: BTreeSet::new(),
        })
    }

    fn steps(&mut self, steps: &[Step]) -> Result<(), End> {
        steps.iter().try_for_each(|step| self.step(step))
    }

    fn step(&mut self, step: &Step) -> Result<(), End> {
        let trouble = |it| End::of(it, Some(step));
        match &step.action {
            Action::Process { process, node } => {
                self.cluster.process(process, node).map_err(trouble)
            }
            Action::Component { process, component } => {
                self.cluster.component(process, component).map_err(trouble)
            }
            Action::Call { session, background: Some(label), words, expected: _ } => {
                let ticket = self.begin(step, session, words)?;
                self.background.insert(label.clone(), ticket);
                Ok(())
            }
            Action::Call { session, background: None, words, expected } => {
                self.call(step, session, words, expected)
            }
            Action::Result { label, pattern } => {
                let ticket = self.labelled(step, label)?;
                let answer = self.cluster.answer(ticket);
                self.background.remove(label);
                self.judge(step, pattern, answer)
            }
            Action::Pending { label } => {
                let ticket = self.labelled(step, label)?;
                match self.cluster.peek(ticket) {
                    None => Ok(()),
                    Some(answer) => {
                        let actual = outcome_text(&answer, &self.names);
                        Err(End::failed(step, "no answer yet", &actual))
                    }
                }
            }
            Action::Dispatch { session, one, callbacks, pattern } => {
                self.dispatch(step, session, *one, callbacks, pattern.as_ref())
            }
            Action::Finalize { session, pattern } => self.finalize(step, session, pattern.as_ref()),
            Action::Fault(fault) => self.cluster.inject(fault).map_err(trouble),
            Action::Wait(time) => {
                self.cluster.wait(*time);
                Ok(())
            }
        }
    }

    fn labelled(&self, step: &Step, label: &str) -> Result<Ticket, End> {
        let ticket = self.background.get(label).copied();
        ticket.ok_or_else(|| End::failed(step, "a call under way", &format!("no call &{label}")))
    }

    /// Makes a call, after `Initialize` if the scenario did not say so itself.
    fn begin(&mut self, step: &Step, session: &SessionName, words: &[Word]) -> Result<Ticket, End> {
        let explicit = words.first().is_some_and(|it| it.text == "initialize");
        if self.used.insert(session.clone()) && !explicit {
            let call = AnyCall::initialize(session.service);
            let call = call.expect("a session's service has a vocabulary");
            let answer = self.call_patiently(step, session, &call, false)?;
            self.judge(step, &Pattern::new("OK"), answer)?;
        }
        let call = self.read(step, session, words)?;
        self.cluster.call(session, call).map_err(|it| End::of(it, Some(step)))
    }

    fn read(&self, step: &Step, session: &SessionName, words: &[Word]) -> Result<AnyCall, End> {
        let filled = |it: &Word| match it.quoted {
            true => Ok(it.text.clone()),
            false => fill(&it.text, &self.bindings),
        };
        let words: Result<Vec<String>, String> = words.iter().map(filled).collect();
        words
            .and_then(|it| AnyCall::read(session.service, &mut Words::new(it), &self.names))
            .map_err(|wrong| End::failed(step, "a call that can be made", &wrong))
    }

    fn call(
        &mut self,
        step: &Step,
        session: &SessionName,
        words: &[Word],
        expected: &Expected,
    ) -> Result<(), End> {
        let (pattern, eventually) = match expected {
            Expected::Success => (&Pattern::new("OK"), false),
            Expected::Answer(pattern) => (pattern, false),
            Expected::Eventually(pattern) => (pattern, true),
        };
        let wants_try_again = pattern.names(ErrorCode::TryAgain.short_name());
        let ticket = self.begin(step, session, words)?;
        let mut answer = self.cluster.answer(ticket);
        for _ in 0..ATTEMPTS {
            let again = is_try_again(answer.as_ref()) && !wants_try_again
                || eventually && !self.fits(pattern, answer.as_ref());
            if !again {
                break;
            }
            self.cluster.wait(PAUSE);
            let ticket = self.begin(step, session, words)?;
            answer = self.cluster.answer(ticket);
        }
        self.judge(step, pattern, answer)
    }

    fn fits(&self, pattern: &Pattern, answer: Option<&Result<AnyReply, Error>>) -> bool {
        let text = answer.map(|it| outcome_text(it, &self.names));
        text.is_some_and(|it| pattern.matches(&it, &mut self.bindings.clone()))
    }

    fn call_patiently(
        &mut self,
        step: &Step,
        session: &SessionName,
        call: &AnyCall,
        wants_try_again: bool,
    ) -> Result<Option<Result<AnyReply, Error>>, End> {
        for _ in 0..ATTEMPTS {
            let ticket = self.cluster.call(session, call.clone());
            let ticket = ticket.map_err(|it| End::of(it, Some(step)))?;
            let answer = self.cluster.answer(ticket);
            if wants_try_again || !is_try_again(answer.as_ref()) {
                return Ok(answer);
            }
            self.cluster.wait(PAUSE);
        }
        Err(End::Open("TRY_AGAIN, for as long as anybody would try".to_owned()))
    }

    fn judge(
        &mut self,
        step: &Step,
        pattern: &Pattern,
        answer: Option<Result<AnyReply, Error>>,
    ) -> Result<(), End> {
        let Some(answer) = answer else {
            return Err(End::failed(step, pattern.text(), "no answer"));
        };
        let text = outcome_text(&answer, &self.names);
        if pattern.matches(&text, &mut self.bindings) {
            return Ok(());
        }
        match &answer {
            Err(error) if error.code == ErrorCode::Timeout => {
                Err(End::Open(format!("line {}: {error}", step.line)))
            }
            Err(error) if error.code == ErrorCode::TryAgain => {
                Err(End::Open(format!("line {}: {error}", step.line)))
            }
            Err(error) if error.code == ErrorCode::NotSupported => {
                Err(End::NotSupported(format!("line {}: {error}", step.line)))
            }
            Err(error) => {
                Err(End::failed(step, pattern.text(), &format!("{text}   # {}", error.text)))
            }
            Ok(_) => Err(End::failed(step, pattern.text(), &text)),
        }
    }

    fn dispatch(
        &mut self,
        step: &Step,
        session: &SessionName,
        one: bool,
        expected: &[ExpectedCallback],
        pattern: Option<&Pattern>,
    ) -> Result<(), End> {
        let want = expected.iter().filter(|it| !it.optional).count();
        let come = self.cluster.dispatch(session, one, want);
        let come = come.map_err(|it| End::of(it, Some(step)))?;
        let ok = Pattern::new("OK");
        let pattern = pattern.unwrap_or(&ok);
        let outcome = come.as_ref().map_or_else(|error| error.code.short_name(), |_| "OK");
        if !pattern.matches(outcome, &mut self.bindings) {
            return Err(End::failed(step, pattern.text(), outcome));
        }
        let come: Vec<String> = match come {
            Ok(come) => come.iter().map(|it: &AnyCallback| it.text(&self.names)).collect(),
            Err(_) => return Ok(()),
        };
        let mut come = come.iter().peekable();
        for expected in expected {
            let at = Step { line: expected.line, ..step.clone() };
            while expected.optional
                && come.next_if(|it| expected.pattern.matches(it, &mut self.bindings)).is_some()
            {
            }
            if expected.optional {
                continue;
            }
            match come.next() {
                Some(text) if expected.pattern.matches(text, &mut self.bindings) => {}
                Some(text) => return Err(End::failed(&at, expected.pattern.text(), text)),
                None => return Err(End::failed(&at, expected.pattern.text(), "no callback")),
            }
        }
        match come.next() {
            None => Ok(()),
            Some(text) => Err(End::failed(step, "no further callback", text)),
        }
    }

    fn finalize(
        &mut self,
        step: &Step,
        session: &SessionName,
        pattern: Option<&Pattern>,
    ) -> Result<(), End> {
        let outcome = self.cluster.finalize(session).map_err(|it| End::of(it, Some(step)))?;
        let actual = outcome.map_or_else(|error| error.code.short_name(), |()| "OK");
        let ok = Pattern::new("OK");
        let pattern = pattern.unwrap_or(&ok);
        // Whoever uses the handle after this means the dead one.
        self.used.insert(session.clone());
        match pattern.matches(actual, &mut self.bindings) {
            true => Ok(()),
            false => Err(End::failed(step, pattern.text(), actual)),
        }
    }
}

fn is_try_again(answer: Option<&Result<AnyReply, Error>>) -> bool {
    matches!(answer, Some(Err(error)) if error.code == ErrorCode::TryAgain)
}
