//! What comes in the group's order, applied to the replicated part.

use crate::alarms::Alarm;
use crate::command::Command;
use crate::error::Refusal;
use crate::state::{Component, Number, Place, Question, Registered, State, Work};
use ais_types::amf::{HaState, PresenceState, Recovery};
use ais_types::{ClientId, MemberId, Name, ProcessId, Role, Stamp, View};
use alloc::format;
use alloc::string::String;

/// How many groups one entry reconciles at most, so that no step takes long.
const GROUPS_A_STEP: usize = 32;

/// What a caller is answered: at once, or later (`None`).
pub(crate) type Verdict = Option<Result<(), Refusal>>;

impl State {
    /// Applies one command.
    pub(crate) fn apply(&mut self, stamp: Stamp, from: MemberId, command: Command) -> Verdict {
        let verdict = match command {
            Command::Load { model, request } => {
                self.begin(stamp, "the model was loaded".into());
                Some(self.load(model, request.is_some()))
            }
            Command::Admin { request, object, operation } => {
                self.begin(stamp, format!("an operator ordered {operation} of {object}"));
                self.admin(object, operation, from, request)
            }
            Command::Register { component, client, process, .. } => {
                self.begin(stamp, format!("{process} registered {component}"));
                Some(self.register(&component, Registered { client, process }))
            }
            Command::Unregister { component, client, .. } => {
                self.begin(stamp, format!("{component} was unregistered"));
                Some(self.unregister(&component, client))
            }
            Command::Answer { number, client, ok, .. } => {
                self.begin(stamp, format!("callback {number} was answered {}", word(ok)));
                Some(self.answer(number, client, ok))
            }
            Command::QuiescingComplete { number, client, ok, .. } => {
                self.begin(stamp, format!("QUIESCING {number} is complete: {}", word(ok)));
                Some(self.quiescing_complete(number, client, ok))
            }
            Command::Error { component, recovery, seen, .. } => {
                self.begin(stamp, format!("{seen}: {recovery} was recommended"));
                Some(self.error(&component, recovery))
            }
            Command::Started { component, number, process, pid } => {
                self.begin(stamp, format!("{component} was started: {process}, pid {pid}"));
                self.started(&component, number, process, pid);
                None
            }
            Command::NotStarted { component, number, reason } => {
                self.begin(stamp, format!("{component} could not be started: {reason}"));
                if let Some(place) = self.starting(&component, number) {
                    self.fail(place);
                }
                None
            }
            Command::EndedEarly { component, number } => {
                self.begin(stamp, format!("the process of {component} ended"));
                if let Some(place) = self.starting(&component, number) {
                    self.fail(place);
                }
                None
            }
            Command::Cleaned { number, result } => {
                self.begin(stamp, format!("clean-up {number} is over"));
                self.cleaned(number, result);
                None
            }
            Command::Continue => {
                self.begin(stamp, "earlier events, continued".into());
                None
            }
        };
        self.run();
        verdict
    }

    pub(crate) fn begin(&mut self, stamp: Stamp, event: String) {
        self.ledger.begin(stamp, event);
    }

    /// Reconciles the groups that something happened to.
    fn run(&mut self) {
        for _ in 0..GROUPS_A_STEP {
            let Some(group) = self.touched.pop_first() else { return };
            self.bind(group);
            self.groups[group].reconcile(group, &mut self.ledger);
        }
    }

    /// Gives units their hosts: the lives of their nodes that are in the view.
    fn bind(&mut self, group: usize) {
        for unit in self.groups[group].units.iter_mut().filter(|it| it.host.is_none()) {
            let hosts = |it: &&ais_types::Member| it.name == unit.node && it.role != Role::Witness;
            unit.host = self.view.members.iter().find(hosts).map(|it| it.id);
        }
    }

    /// Who is in has changed. What is lost may still act, until it is released.
    pub(crate) fn view(&mut self, stamp: Stamp, view: View) {
        self.begin(stamp, format!("view {} was formed", view.number));
        self.view = view;
        for (index, group) in self.groups.iter_mut().enumerate() {
            for unit in &mut group.units {
                let lost = unit.host.is_some_and(|host| !self.view.contains(host));
                if unit.host.is_none() || lost {
                    self.touched.insert(index);
                }
                if lost && !unit.lost {
                    unit.lost = true;
                    unit.components.iter_mut().for_each(|it| it.drop_work(&mut self.ledger));
                    self.ledger.note(&unit.name, "out of service: its node has left");
                }
            }
        }
        self.run();
    }

    /// A member that left has surely stopped: the successful clean-up of everything there.
    pub(crate) fn released(&mut self, stamp: Stamp, member: MemberId) {
        self.begin(stamp, format!("{member} was released: it has surely stopped"));
        for (index, group) in self.groups.iter_mut().enumerate() {
            for (number, unit) in group.units.iter_mut().enumerate() {
                if unit.host == Some(member) {
                    unit.released(&mut self.ledger);
                    let place = Place { group: index, unit: number, component: 0 };
                    self.ledger.alarms.clear(Alarm::Probation(place));
                    self.ledger.alarms.clear(Alarm::Repair(place));
                    self.touched.insert(index);
                }
            }
        }
        self.run();
    }

    /// The group's time moves: replicated timers fire.
    pub(crate) fn time(&mut self, stamp: Stamp) {
        self.begin(stamp, String::new());
        while let Some(alarm) = self.ledger.alarms.pop_due(stamp.time) {
            match alarm {
                Alarm::Startup => {
                    self.begin(stamp, "the start-up time is over".into());
                    self.groups.iter_mut().for_each(|it| it.starting = false);
                    self.touched.extend(0..self.groups.len());
                }
                Alarm::Recall => {
                    self.begin(stamp, "no node's configuration has the model any more".into());
                    self.load_recalled();
                }
                Alarm::Probation(place) => {
                    let unit = &mut self.groups[place.group].units[place.unit];
                    unit.phase = crate::escalation::Phase::Idle;
                }
                Alarm::Repair(place) => {
                    self.begin(stamp, "fail-overs are counted anew".into());
                    self.groups[place.group].units[place.unit].failovers = 0;
                    self.touched.insert(place.group);
                }
                Alarm::Overdue(number) => self.overdue(stamp, number),
            }
        }
        self.run();
    }

    fn overdue(&mut self, stamp: Stamp, number: Number) {
        let Some(place) = self.ledger.whose(number) else { return };
        let it = self.component(place);
        let what = match &it.work {
            Work::Starting(_) => "did not register in time",
            Work::Ending(_) | Work::Asked(_, Question::Terminate) => "did not terminate in time",
            Work::Asked(..) => "did not answer in time",
            Work::Idle | Work::Cleaning(_) => "did not complete QUIESCING in time",
        };
        let event = format!("{} {what}", it.spec.name);
        self.begin(stamp, event);
        self.fail(place);
    }

    /// A process somewhere has ended.
    pub(crate) fn process_ended(&mut self, stamp: Stamp, process: ProcessId) {
        let Some(place) = self.ledger.processes.remove(&process) else { return };
        let event = format!("{process} of {} ended", self.component(place).spec.name);
        self.begin(stamp, event);
        let group = &mut self.groups[place.group];
        let it = &mut group.units[place.unit].components[place.component];
        let alone = it.is_only_process(process);
        if matches!(it.work, Work::Ending(_)) && alone {
            it.ended(&mut self.ledger);
            self.touched.insert(place.group);
        } else {
            self.fail(place);
        }
        self.run();
    }

    /// An error without recommendation.
    fn fail(&mut self, place: Place) {
        self.groups[place.group].fail(place, Recovery::NoRecommendation, &mut self.ledger);
        self.touched.insert(place.group);
    }

    fn register(&mut self, name: &Name, by: Registered) -> Result<(), Refusal> {
        let place = self.place(name).ok_or_else(|| Refusal::NoSuchComponent(name.clone()))?;
        let unit = &mut self.groups[place.group].units[place.unit];
        let here = unit.host == Some(by.client.member) && !unit.lost;
        let it = &mut unit.components[place.component];
        if it.registered.is_some() {
            return Err(Refusal::RegisteredAlready(name.clone()));
        }
        let starting = matches!(it.work, Work::Starting(_));
        let again = it.presence == PresenceState::Instantiated && it.work == Work::Idle;
        if !here || !(starting || again) {
            let presence = it.presence;
            return Err(Refusal::NotStarted { component: name.clone(), presence });
        }
        it.registered = Some(by);
        self.ledger.processes.insert(by.process, place);
        self.groups[place.group].registered(place, &mut self.ledger);
        self.touched.insert(place.group);
        Ok(())
    }

    fn unregister(&mut self, name: &Name, client: ClientId) -> Result<(), Refusal> {
        let place = self.place(name).ok_or_else(|| Refusal::UnknownComponent(name.clone()))?;
        let it = &mut self.groups[place.group].units[place.unit].components[place.component];
        let by = it.registered.ok_or_else(|| Refusal::NotRegistered(name.clone()))?;
        if by.client != client {
            return Err(Refusal::OtherHandle(name.clone()));
        }
        // Asked to terminate, it may go; else it is an error on the component (§7.6.2 of B.03).
        if it.presence != PresenceState::Terminating {
            self.fail(place);
        }
        Ok(())
    }

    fn answer(&mut self, number: Number, client: ClientId, ok: bool) -> Result<(), Refusal> {
        let place = self.ledger.whose(number).ok_or(Refusal::UnknownInvocation(number))?;
        let group = &mut self.groups[place.group];
        let it = &mut group.units[place.unit].components[place.component];
        let Work::Asked(_, question) = &it.work else {
            return Err(Refusal::UnknownInvocation(number));
        };
        if it.work.number() != Some(number) {
            return Err(Refusal::UnknownInvocation(number));
        }
        if it.registered.is_some_and(|by| by.client != client) {
            return Err(Refusal::WrongInvocation(number));
        }
        if !ok {
            self.fail(place);
            return Ok(());
        }
        let question = question.clone();
        it.work = Work::Idle;
        match &question {
            Question::Set { state: HaState::Quiescing, complete: false, .. } => {
                it.quiescing = Some(number);
                self.ledger.prolong(number, it.spec.quiescing_timeout);
            }
            Question::Set { .. } | Question::Remove(_) => self.ledger.close(number),
            Question::Terminate => {
                it.work = Work::Ending(number);
                self.ledger.prolong(number, it.spec.terminate_timeout);
            }
        }
        group.answered(place, question, &mut self.ledger);
        self.touched.insert(place.group);
        Ok(())
    }

    fn quiescing_complete(
        &mut self,
        number: Number,
        client: ClientId,
        ok: bool,
    ) -> Result<(), Refusal> {
        let place = self.ledger.whose(number).ok_or(Refusal::UnknownInvocation(number))?;
        let group = &mut self.groups[place.group];
        let it = &mut group.units[place.unit].components[place.component];
        if it.registered.is_some_and(|by| by.client != client) {
            return Err(Refusal::WrongInvocation(number));
        }
        if it.quiescing == Some(number) {
            it.quiescing = None;
            self.ledger.close(number);
            group.quiesced(place);
        } else if let Work::Asked(asked, Question::Set { state: HaState::Quiescing, complete, .. }) =
            &mut it.work
            && *asked == number
        {
            *complete = true;
        } else {
            return Err(Refusal::WrongInvocation(number));
        }
        if !ok {
            self.fail(place);
        }
        self.touched.insert(place.group);
        Ok(())
    }

    fn error(&mut self, name: &Name, recovery: Recovery) -> Result<(), Refusal> {
        let place = self.place(name).ok_or_else(|| Refusal::UnknownComponent(name.clone()))?;
        let it = self.component(place);
        if it.down() {
            return Err(Refusal::NothingToRecover(name.clone(), it.presence));
        }
        self.groups[place.group].fail(place, recovery, &mut self.ledger);
        self.touched.insert(place.group);
        Ok(())
    }

    fn started(&mut self, name: &Name, number: Number, process: ProcessId, pid: u32) {
        let Some(place) = self.starting(name, number) else { return };
        let it = &mut self.groups[place.group].units[place.unit].components[place.component];
        it.process = Some((process, pid));
        self.ledger.processes.insert(process, place);
    }

    /// The component, if this start is its last one and it has not been cleaned up since.
    fn starting(&self, name: &Name, number: Number) -> Option<Place> {
        let place = self.place(name)?;
        let it = self.component(place);
        let cleaned = it.down() || matches!(it.work, Work::Cleaning(_));
        let lost = self.groups[place.group].units[place.unit].lost;
        (it.start == number && !cleaned && !lost).then_some(place)
    }

    fn cleaned(&mut self, number: Number, result: Result<(), String>) {
        let Some(place) = self.ledger.whose(number) else { return };
        self.groups[place.group].cleaned(place, result, &mut self.ledger);
        self.touched.insert(place.group);
    }
}

impl Component {
    /// Whether no other process of it is known.
    fn is_only_process(&self, process: ProcessId) -> bool {
        let registered = self.registered.map(|it| it.process);
        let started = self.process.map(|(it, _)| it);
        [registered, started].into_iter().flatten().all(|it| it == process)
    }
}

const fn word(ok: bool) -> &'static str {
    if ok { "OK" } else { "FAILED_OPERATION" }
}
