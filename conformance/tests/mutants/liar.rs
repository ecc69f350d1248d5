//! One rule broken, between the suite and an implementation that keeps all of them.

use ais_conformance::Sim;
use ais_conformance_core::{
    AnyCall, AnyCallback, AnyReply, Cluster, Fault, Feature, Implementation, SessionName, Setup,
    Ticket, Trouble,
};
use ais_types::{Error, ErrorCode, Name, NodeId, Outcome};
use std::{collections::BTreeMap, time::Duration};

pub(crate) type Answer = Outcome<AnyReply>;

/// One rule broken.
#[derive(Clone, Copy)]
pub(crate) struct Mutant {
    pub(crate) name: &'static str,
    /// What the honest one is asked instead.
    pub(crate) ask: fn(AnyCall) -> AnyCall,
    /// What is answered instead; the call is the one that the suite has made.
    pub(crate) answer: fn(&AnyCall, Answer) -> Answer,
    /// What is answered at once, though the honest one has not answered yet.
    pub(crate) early: fn(&AnyCall) -> Option<Answer>,
    /// What is called back instead.
    pub(crate) callbacks: fn(&mut Vec<AnyCallback>),
    /// Which faults it notices.
    pub(crate) notices: fn(&Fault) -> bool,
    /// What it makes of its model.
    pub(crate) model: fn(String) -> String,
}

pub(crate) const HONEST: Mutant = Mutant {
    name: "honest",
    ask: |it| it,
    answer: |_, it| it,
    early: |_| None,
    callbacks: |_| {},
    notices: |_| true,
    model: |it| it,
};

/// This error is taken for a success.
pub(crate) fn forgive(answer: Answer, code: ErrorCode, success: AnyReply) -> Answer {
    match answer {
        Err(error) if error.code == code => Ok(success),
        it => it,
    }
}

/// This error is taken for that one.
pub(crate) fn as_code(answer: Answer, from: ErrorCode, to: ErrorCode) -> Answer {
    answer.map_err(|error| if error.code == from { Error { code: to, ..error } } else { error })
}

impl Implementation for Mutant {
    fn name(&self) -> String {
        self.name.to_owned()
    }

    fn supports(&self, feature: Feature) -> Result<(), String> {
        Sim.supports(feature)
    }

    fn start(&self, setup: &Setup) -> Result<Box<dyn Cluster>, Trouble> {
        let model = setup.model.clone().map(self.model);
        let honest = Sim.start(&Setup { model, ..setup.clone() })?;
        Ok(Box::new(Liar { mutant: *self, honest, calls: BTreeMap::new() }))
    }
}

struct Liar {
    mutant: Mutant,
    honest: Box<dyn Cluster>,
    calls: BTreeMap<Ticket, AnyCall>,
}

impl Cluster for Liar {
    fn node_id(&self, node: &str) -> NodeId {
        self.honest.node_id(node)
    }

    fn node_name(&self, node: &str) -> Name {
        self.honest.node_name(node)
    }

    fn process(&mut self, process: &str, node: &str) -> Result<(), Trouble> {
        self.honest.process(process, node)
    }

    fn component(&mut self, process: &str, component: &str) -> Result<(), Trouble> {
        self.honest.component(process, component)
    }

    fn call(&mut self, session: &SessionName, call: AnyCall) -> Result<Ticket, Trouble> {
        let ticket = self.honest.call(session, (self.mutant.ask)(call.clone()))?;
        self.calls.insert(ticket, call);
        Ok(ticket)
    }

    fn answer(&mut self, ticket: Ticket) -> Option<Answer> {
        let answer = self.honest.answer(ticket)?;
        Some((self.mutant.answer)(self.calls.get(&ticket)?, answer))
    }

    fn peek(&mut self, ticket: Ticket) -> Option<Answer> {
        let early = self.calls.get(&ticket).and_then(self.mutant.early);
        early.or_else(|| self.honest.peek(ticket))
    }

    fn dispatch(
        &mut self,
        session: &SessionName,
        one: bool,
        want: usize,
    ) -> Result<Outcome<Vec<AnyCallback>>, Trouble> {
        let mut come = self.honest.dispatch(session, one, want)?;
        if let Ok(callbacks) = &mut come {
            (self.mutant.callbacks)(callbacks);
        }
        Ok(come)
    }

    fn finalize(&mut self, session: &SessionName) -> Result<Outcome<()>, Trouble> {
        self.honest.finalize(session)
    }

    fn inject(&mut self, fault: &Fault) -> Result<(), Trouble> {
        match (self.mutant.notices)(fault) {
            true => self.honest.inject(fault),
            false => Ok(()),
        }
    }

    fn wait(&mut self, time: Duration) {
        self.honest.wait(time);
    }
}
