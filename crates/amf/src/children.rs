//! The local part: the processes that this node was asked to start and to remove.

use crate::command::Command;
use crate::service::Amf;
use crate::state::Number;
use ais_service::{Action, ActionId, Exit, Output, Run, Spawn};
use ais_types::{Name, ProcessId};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// The processes of this node's components, and what is being done about them.
#[derive(Debug, Default)]
pub(crate) struct Children {
    by_name: BTreeMap<Name, Child>,
    actions: BTreeMap<ActionId, Name>,
    last: u64,
}

/// One component here.
#[derive(Debug)]
struct Child {
    start: Number,
    process: Process,
    clean: Option<Clean>,
}

#[derive(Clone, Copy, Debug)]
enum Process {
    None,
    Starting,
    /// `ended`: everyone has been told, perhaps before they knew whose process it was.
    Runs {
        process: ProcessId,
        ended: bool,
    },
}

/// A clean-up: its command, then the kill.
#[derive(Debug)]
struct Clean {
    number: Number,
    run: Option<Run>,
    result: Result<(), String>,
    step: Step,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Waits,
    Runs,
    Kills,
}

impl Amf {
    /// Starts a component's process.
    pub(crate) fn start(
        &mut self,
        number: Number,
        component: Name,
        spawn: Spawn,
        out: &mut Vec<Output<Self>>,
    ) {
        let child = Child { start: number, process: Process::Starting, clean: None };
        self.children.by_name.insert(component.clone(), child);
        let action = self.children.action(component);
        out.push(Output::Perform(action, Action::Spawn(spawn)));
    }

    /// Removes whatever is left of a component.
    pub(crate) fn clean(
        &mut self,
        number: Number,
        component: Name,
        run: Option<Run>,
        out: &mut Vec<Output<Self>>,
    ) {
        let none = Child { start: 0, process: Process::None, clean: None };
        let child = self.children.by_name.entry(component.clone()).or_insert(none);
        child.clean = Some(Clean { number, run, result: Ok(()), step: Step::Waits });
        self.go_on(&component, out);
    }

    /// What became of an action.
    pub(crate) fn done(&mut self, action: ActionId, exit: Exit, out: &mut Vec<Output<Self>>) {
        let Some(component) = self.children.actions.remove(&action) else { return };
        let Some(child) = self.children.by_name.get_mut(&component) else { return };
        if let Process::Starting = child.process {
            let number = child.start;
            let (process, command) = match exit {
                Exit::Started(process, pid) => {
                    let runs = Process::Runs { process, ended: false };
                    let component = component.clone();
                    (runs, Command::Started { component, number, process, pid })
                }
                other => {
                    let reason = text(&other);
                    let component = component.clone();
                    (Process::None, Command::NotStarted { component, number, reason })
                }
            };
            child.process = process;
            out.push(Output::Order(command));
        } else if let Some(clean) = &mut child.clean {
            clean.done(&exit);
        }
        self.go_on(&component, out);
    }

    /// The next step of a clean-up, if one is due.
    fn go_on(&mut self, component: &Name, out: &mut Vec<Output<Self>>) {
        let Some(child) = self.children.by_name.get_mut(component) else { return };
        let Some(clean) = &mut child.clean else { return };
        let action = match (clean.step, child.process) {
            // What is being started is removed when it runs.
            (_, Process::Starting) => return,
            (Step::Waits, _) => {
                clean.step = Step::Runs;
                match clean.run.take() {
                    Some(run) => Action::Run(run),
                    None => return self.kill(component, out),
                }
            }
            (Step::Runs, _) => return self.kill(component, out),
            (Step::Kills, _) => return self.cleaned(component, out),
        };
        let id = self.children.action(component.clone());
        out.push(Output::Perform(id, action));
    }

    fn kill(&mut self, component: &Name, out: &mut Vec<Output<Self>>) {
        let Some(child) = self.children.by_name.get_mut(component) else { return };
        let Some(clean) = &mut child.clean else { return };
        clean.step = Step::Kills;
        match child.process {
            Process::Runs { process, .. } => {
                let id = self.children.action(component.clone());
                out.push(Output::Perform(id, Action::Kill(process)));
            }
            Process::None | Process::Starting => self.cleaned(component, out),
        }
    }

    fn cleaned(&mut self, component: &Name, out: &mut Vec<Output<Self>>) {
        let Some(child) = self.children.by_name.get_mut(component) else { return };
        let Some(clean) = child.clean.take() else { return };
        let Clean { number, result, .. } = clean;
        if result.is_ok() {
            self.children.by_name.remove(component);
        }
        out.push(Output::Order(Command::Cleaned { number, result }));
    }

    /// A process of this node has ended, as everyone is told.
    pub(crate) fn child_ended(&mut self, process: ProcessId) {
        let known = self.state.ledger.processes.contains_key(&process);
        for child in self.children.by_name.values_mut() {
            if let Process::Runs { process: runs, ended } = &mut child.process
                && *runs == process
            {
                *ended = !known;
            }
        }
    }

    /// Everyone knows now whose process it is. Had it ended before, they are told again.
    pub(crate) fn start_known(&mut self, component: Name, out: &mut Vec<Output<Self>>) {
        let Some(child) = self.children.by_name.get(&component) else { return };
        if let Process::Runs { ended: true, .. } = child.process {
            let number = child.start;
            out.push(Output::Order(Command::EndedEarly { component, number }));
        }
    }
}

impl Clean {
    fn done(&mut self, exit: &Exit) {
        let failed = match exit {
            Exit::Code(0) | Exit::Started(..) => return,
            Exit::Code(_) | Exit::Signal(_) | Exit::TimedOut | Exit::Failed(_) => text(exit),
        };
        if self.result.is_ok() {
            self.result = Err(failed);
        }
    }
}

impl Children {
    fn action(&mut self, component: Name) -> ActionId {
        self.last += 1;
        let id = ActionId(self.last);
        self.actions.insert(id, component);
        id
    }
}

fn text(exit: &Exit) -> String {
    match exit {
        Exit::Started(process, pid) => format!("{process} runs as {pid}"),
        Exit::Code(code) => format!("it ended with status {code}"),
        Exit::Signal(signal) => format!("it was ended by signal {signal}"),
        Exit::TimedOut => "it took too long and was killed".into(),
        Exit::Failed(reason) => reason.clone(),
    }
}
