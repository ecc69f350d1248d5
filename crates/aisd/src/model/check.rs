//! The rules of a model that its text can break, and what is meant where it says nothing.

use super::raw::{self, Traits, Values};
use crate::config::{ConfigError, Document};
use ais_types::{
    Name, Time,
    amf::{
        AdminState, Application, Component, Csi, Escalation, Group, Instance, Limit, Model,
        Recovery, Redundancy, Unit,
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};
use toml::Spanned;

/// No time-out of a component is given: long enough for a loaded machine.
const TIMEOUT_MS: u32 = 10_000;
const STARTUP_TIMEOUT_MS: u32 = 2_000;
/// Two failures within ten seconds reach the next level.
const LIMIT: raw::Limit = raw::Limit { max: 2, probation_ms: 10_000 };
const ATTEMPTS: u32 = 2;

type Checked<T> = Result<T, ConfigError>;

pub(super) fn check(document: Document<'_>, raw: &raw::Model, hosts: &[&str]) -> Checked<Model> {
    let mut it = Check { document, hosts, names: BTreeSet::new() };
    let mut applications: BTreeMap<Name, Vec<Group>> = BTreeMap::new();
    for group in &raw.groups {
        let application = it.application(group)?;
        let group = it.group(group)?;
        applications.entry(application).or_default().push(group);
    }
    if let Some(both) = applications.keys().find(|name| it.names.contains(*name)) {
        let problem = format!("{both} is the name of an application and of something in it");
        return Err(it.document.wrong(0..0, "application", problem, "rename one of them"));
    }
    let applications = applications.into_iter();
    Ok(Model {
        applications: applications.map(|(name, groups)| Application { name, groups }).collect(),
        startup_timeout: ms(raw.startup_timeout_ms.unwrap_or(STARTUP_TIMEOUT_MS)),
    })
}

struct Check<'a> {
    document: Document<'a>,
    hosts: &'a [&'a str],
    /// Of everything but applications, which may be named by several groups.
    names: BTreeSet<Name>,
}

impl Check<'_> {
    fn wrong(
        &self,
        span: Range<usize>,
        key: &str,
        problem: impl Into<String>,
        help: impl Into<String>,
    ) -> ConfigError {
        self.document.wrong(span, key, problem, help)
    }

    /// A name that nothing else has.
    fn name(&mut self, span: Range<usize>, text: &str) -> Checked<Name> {
        let name = self.legal(span.clone(), "name", text)?;
        if self.names.insert(name.clone()) {
            return Ok(name);
        }
        let problem = format!("{text:?} is the name of something else already");
        Err(self.wrong(span, "name", problem, "give everything in the model a name of its own"))
    }

    fn legal(&self, span: Range<usize>, key: &str, text: &str) -> Checked<Name> {
        let name = Name::new(text).ok().filter(|name| !name.is_empty());
        name.filter(|_| !text.contains(char::is_control)).ok_or_else(|| {
            let help = format!("use 1 to {} bytes without control characters", Name::MAX);
            self.wrong(span, key, "not fit for a name", help)
        })
    }

    fn application(&self, raw: &raw::Group) -> Checked<Name> {
        match &raw.application {
            Some(name) => self.legal(name.span(), "application", name.get_ref()),
            None => {
                let name = format!("{}-app", raw.name.get_ref());
                self.legal(raw.name.span(), "name", &name)
            }
        }
    }

    fn group(&mut self, raw: &raw::Group) -> Checked<Group> {
        let name = self.name(raw.name.span(), raw.name.get_ref())?;
        if let Some(model) = raw.redundancy.as_ref().filter(|it| it.get_ref() != "2N") {
            let problem = format!("{:?} is not supported yet", model.get_ref());
            return Err(self.wrong(model.span(), "redundancy", problem, "use \"2N\""));
        }
        let escalation = match raw.escalation.as_ref().map(|it| (it.span(), it.get_ref().as_str()))
        {
            None | Some((_, "AT_MAX")) => Escalation::AtMax,
            Some((_, "ABOVE_MAX")) => Escalation::AboveMax,
            Some((span, other)) => {
                let problem = format!("{other:?} is no way to count");
                let help = "use \"AT_MAX\" or \"ABOVE_MAX\"";
                return Err(self.wrong(span, "escalation", problem, help));
            }
        };
        let locked = AdminState::LockedInstantiation;
        Ok(Group {
            name,
            redundancy: Redundancy::TwoN,
            admin: self
                .admin(raw.admin.as_ref(), &[AdminState::Unlocked, AdminState::Locked, locked])?,
            auto_repair: raw.auto_repair.unwrap_or(true),
            component_restarts: limit(raw.component_restarts),
            unit_restarts: limit(raw.unit_restarts),
            escalation,
            units: self.units(raw)?,
            instances: self.instances(raw)?,
        })
    }

    fn admin(&self, raw: Option<&Spanned<String>>, legal: &[AdminState]) -> Checked<AdminState> {
        let Some(raw) = raw else { return Ok(AdminState::Unlocked) };
        let found = AdminState::from_word(raw.get_ref()).filter(|state| legal.contains(state));
        found.ok_or_else(|| {
            let words: Vec<&str> = legal.iter().map(|state| state.word()).collect();
            let problem = format!("{:?} is no state to start in", raw.get_ref());
            self.wrong(raw.span(), "admin", problem, format!("use one of {}", words.join(", ")))
        })
    }

    fn units(&mut self, group: &raw::Group) -> Checked<Vec<Unit>> {
        if group.units.get_ref().is_empty() {
            let help = "add at least one; two make it highly available";
            return Err(self.wrong(group.units.span(), "units", "a group without a unit", help));
        }
        let units = group.units.get_ref().iter().zip(1..);
        units.map(|(unit, place)| self.unit(group, unit, place)).collect()
    }

    fn unit(&mut self, group: &raw::Group, raw: &raw::Unit, place: u32) -> Checked<Unit> {
        let node = raw.node.get_ref();
        if !self.hosts.contains(&node.as_str()) {
            let problem = format!("{node:?} hosts nothing in this cluster");
            let help = format!("use one of {}", self.hosts.join(", "));
            return Err(self.wrong(raw.node.span(), "node", problem, help));
        }
        let legal = [AdminState::Unlocked, AdminState::Locked, AdminState::LockedInstantiation];
        let name = self.name(raw.name.span(), raw.name.get_ref())?;
        if raw.components.get_ref().is_empty() {
            let help = "name at least one";
            let span = raw.components.span();
            return Err(self.wrong(span, "components", "a unit without a component", help));
        }
        let components = raw.components.get_ref().iter();
        Ok(Unit {
            name,
            node: self.legal(raw.node.span(), "node", node)?,
            rank: raw.rank.unwrap_or(place),
            admin: self.admin(raw.admin.as_ref(), &legal)?,
            failover: raw.failover.unwrap_or(true),
            components: components
                .map(|it| self.component(&group.component, &it.get_ref().0, it.span()))
                .collect::<Checked<_>>()?,
        })
    }

    fn component(
        &mut self,
        common: &Traits,
        raw: &raw::Component,
        span: Range<usize>,
    ) -> Checked<Component> {
        let own = &raw.with;
        let Some(command) = own.command.as_ref().or(common.command.as_ref()) else {
            let help = "give the component or its group a command";
            return Err(self.wrong(span, "components", "a component without a command", help));
        };
        let mut environment = common.environment.clone();
        environment.extend(own.environment.clone());
        self.environment(&environment, span.clone())?;
        let recovery = own.recovery.as_ref().or(common.recovery.as_ref());
        let cleanup = own.cleanup.as_ref().or(common.cleanup.as_ref());
        let either = |of: fn(&Traits) -> Option<u32>| of(own).or_else(|| of(common));
        let timeout = |of| ms(either(of).unwrap_or(TIMEOUT_MS));
        Ok(Component {
            name: self.name(span, &raw.name)?,
            command: self.command("command", command)?,
            environment: environment.into_iter().collect(),
            cleanup: cleanup.map(|it| self.command("cleanup", it)).transpose()?,
            level: either(|it| it.level).unwrap_or(1),
            recovery: recovery.map_or(Ok(Recovery::ComponentRestart), |it| self.recovery(it))?,
            disable_restart: own.disable_restart.or(common.disable_restart).unwrap_or(false),
            attempts: either(|it| it.attempts).unwrap_or(ATTEMPTS),
            instantiate_timeout: timeout(|it| it.instantiate_timeout_ms),
            terminate_timeout: timeout(|it| it.terminate_timeout_ms),
            cleanup_timeout: timeout(|it| it.cleanup_timeout_ms),
            callback_timeout: timeout(|it| it.callback_timeout_ms),
            quiescing_timeout: timeout(|it| it.quiescing_timeout_ms),
            csi_types: own
                .csi_types
                .clone()
                .or_else(|| common.csi_types.clone())
                .unwrap_or_default(),
        })
    }

    fn command(&self, key: &str, raw: &Spanned<Vec<String>>) -> Checked<Vec<String>> {
        let command = raw.get_ref();
        if command.first().is_none_or(String::is_empty) {
            let help = "name a program, then its arguments";
            return Err(self.wrong(raw.span(), key, "an empty command", help));
        }
        if command.iter().any(|it| it.contains('\0')) {
            let problem = "a NUL character cannot be part of an argument";
            return Err(self.wrong(raw.span(), key, problem, "leave it out"));
        }
        Ok(command.clone())
    }

    fn environment(&self, all: &BTreeMap<String, String>, span: Range<usize>) -> Checked<()> {
        let bad = |(key, value): &(&String, &String)| {
            key.is_empty() || key.contains(['=', '\0']) || value.contains('\0')
        };
        let Some((key, _)) = all.iter().find(bad) else { return Ok(()) };
        let problem = format!("{key:?} is no variable of an environment");
        Err(self.wrong(span, "environment", problem, "leave out '=' and NUL characters"))
    }

    fn recovery(&self, raw: &Spanned<String>) -> Checked<Recovery> {
        let legal = [Recovery::ComponentRestart, Recovery::ComponentFailover];
        let found = Recovery::from_word(raw.get_ref()).filter(|it| legal.contains(it));
        found.ok_or_else(|| {
            let problem = format!("{:?} is not supported", raw.get_ref());
            let help = "use \"COMPONENT_RESTART\" or \"COMPONENT_FAILOVER\"";
            self.wrong(raw.span(), "recovery", problem, help)
        })
    }

    fn instances(&mut self, group: &raw::Group) -> Checked<Vec<Instance>> {
        group.instances.get_ref().iter().map(|it| self.instance(it)).collect()
    }

    fn instance(&mut self, raw: &raw::Instance) -> Checked<Instance> {
        let name = self.name(raw.name.span(), raw.name.get_ref())?;
        let csis = raw.csis.get_ref();
        if csis.is_empty() {
            let help = "name at least one";
            return Err(self.wrong(raw.csis.span(), "csis", "an instance without a CSI", help));
        }
        let siblings: Vec<&str> = csis.iter().map(|it| it.get_ref().0.name.as_str()).collect();
        Ok(Instance {
            name,
            rank: raw.rank.unwrap_or(0),
            admin: self.admin(raw.admin.as_ref(), &[AdminState::Unlocked, AdminState::Locked])?,
            csis: csis
                .iter()
                .map(|it| self.csi(&it.get_ref().0, it.span(), &siblings))
                .collect::<Checked<_>>()?,
        })
    }

    fn csi(&mut self, raw: &raw::Csi, span: Range<usize>, siblings: &[&str]) -> Checked<Csi> {
        let name = self.name(span, &raw.name)?;
        let depends_on = raw.depends_on.iter().map(|other| {
            if siblings.contains(&other.get_ref().as_str()) && *other.get_ref() != raw.name {
                return self.legal(other.span(), "depends_on", other.get_ref());
            }
            let problem = format!("{:?} is no other CSI of this instance", other.get_ref());
            let help = format!("use one of {}", siblings.join(", "));
            Err(self.wrong(other.span(), "depends_on", problem, help))
        });
        Ok(Csi {
            name,
            kind: raw.r#type.clone(),
            depends_on: depends_on.collect::<Checked<_>>()?,
            attributes: raw.attributes.iter().flat_map(attribute).collect(),
        })
    }
}

fn attribute((name, values): (&String, &Values)) -> Vec<(String, String)> {
    let values = match values {
        Values::One(value) => std::slice::from_ref(value),
        Values::Several(values) => values.as_slice(),
    };
    values.iter().map(|value| (name.clone(), value.clone())).collect()
}

fn limit(raw: Option<raw::Limit>) -> Limit {
    let raw::Limit { max, probation_ms } = raw.unwrap_or(LIMIT);
    Limit { max, probation: ms(probation_ms) }
}

fn ms(milliseconds: u32) -> Time {
    Time(i64::from(milliseconds) * Time::ONE_MILLISECOND.0)
}
