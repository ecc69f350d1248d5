//! Reads a model: either everything in it can be, or it is refused by the object and the rule.

use crate::alarms::Alarm;
use crate::error::Refusal;
use crate::escalation::{Limits, Phase};
use crate::plan::Roles;
use crate::state::{Component, Csi, Group, Instance, Object, Place, State, Unit, Work};
use ais_types::Name;
use ais_types::amf::{self, AdminState, Model, OperationalState, PresenceState, Recovery};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::ToString;
use alloc::vec::Vec;

/// Why a model cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the texts say it")]
pub enum ModelError {
    #[error("an object without a name: name it")]
    NoName,
    #[error("{0}: the name is given twice; every object needs one of its own")]
    NameTwice(Name),
    #[error("group {0} has no unit: give it at least one")]
    NoUnit(Name),
    #[error("unit {0} has no component: give it at least one")]
    NoComponent(Name),
    #[error("instance {0} has no CSI: give it at least one")]
    NoCsi(Name),
    #[error("component {0} has an empty command: name its program")]
    NoCommand(Name),
    #[error("component {component}: recovery {recovery} is not supported")]
    Recovery { component: Name, recovery: Recovery },
    #[error("{object}: admin state {state} is no state to begin with")]
    AdminState { object: Name, state: AdminState },
    #[error("CSI {csi} depends on {on}, which is no CSI of the same instance")]
    NoSponsor { csi: Name, on: Name },
    #[error("CSI {0} depends on itself, directly or through others")]
    Cycle(Name),
    #[error("unit {unit} has no component that takes CSI {csi} of type {kind:?}")]
    NobodyTakes { unit: Name, csi: Name, kind: alloc::string::String },
}

/// Whether AMF can keep this model.
///
/// # Errors
/// The first object that breaks a rule, and the rule.
pub fn check(model: &Model) -> Result<(), ModelError> {
    build(model).map(|_| ())
}

type Built = (Vec<Group>, BTreeMap<Name, Object>);

fn build(model: &Model) -> Result<Built, ModelError> {
    let mut names = Names::default();
    let mut groups = Vec::new();
    for application in &model.applications {
        names.add(&application.name, Object::Application)?;
        for spec in &application.groups {
            let group = group(&application.name, spec, groups.len(), &mut names)?;
            groups.push(group);
        }
    }
    Ok((groups, names.0))
}

#[derive(Default)]
struct Names(BTreeMap<Name, Object>);

impl Names {
    fn add(&mut self, name: &Name, object: Object) -> Result<(), ModelError> {
        if name.is_empty() {
            return Err(ModelError::NoName);
        }
        match self.0.insert(name.clone(), object) {
            None => Ok(()),
            Some(_) => Err(ModelError::NameTwice(name.clone())),
        }
    }
}

/// Smaller ranks first, 0 last, then by name.
fn ranked(rank: u32, name: &Name) -> (u32, Name) {
    (rank.wrapping_sub(1), name.clone())
}

fn group(
    application: &Name,
    spec: &amf::Group,
    index: usize,
    names: &mut Names,
) -> Result<Group, ModelError> {
    names.add(&spec.name, Object::Group(index))?;
    initial(&spec.name, spec.admin, true)?;
    if spec.units.is_empty() {
        return Err(ModelError::NoUnit(spec.name.clone()));
    }
    let mut instances: Vec<&amf::Instance> = spec.instances.iter().collect();
    instances.sort_by_key(|it| ranked(it.rank, &it.name));
    let mut csis = Vec::new();
    for (number, instance) in instances.iter().enumerate() {
        names.add(&instance.name, Object::Instance(index, number))?;
        initial(&instance.name, instance.admin, false)?;
        add_csis(&mut csis, instance, number)?;
    }
    for (number, (csi, _)) in csis.iter().enumerate() {
        names.add(&csi.name, Object::Csi(index, number))?;
    }
    let mut specs: Vec<&amf::Unit> = spec.units.iter().collect();
    specs.sort_by_key(|it| ranked(it.rank, &it.name));
    let mut units = Vec::new();
    for (number, it) in specs.into_iter().enumerate() {
        names.add(&it.name, Object::Unit(index, number))?;
        units.push(unit(it, Place { group: index, unit: number, component: 0 }, &csis, names)?);
    }
    let instance = |it: &&amf::Instance| Instance { name: it.name.clone(), admin: it.admin };
    Ok(Group {
        name: spec.name.clone(),
        application: application.clone(),
        redundancy: spec.redundancy,
        auto_repair: spec.auto_repair,
        limits: Limits {
            component: spec.component_restarts,
            unit: spec.unit_restarts,
            mode: spec.escalation,
        },
        admin: spec.admin,
        units,
        instances: instances.iter().map(instance).collect(),
        csis: csis.into_iter().map(|(csi, _)| csi).collect(),
        roles: Roles::default(),
        starting: true,
        job: None,
    })
}

/// SHUTTING_DOWN leads somewhere; nothing can begin with it.
fn initial(object: &Name, state: AdminState, terminable: bool) -> Result<(), ModelError> {
    match state {
        AdminState::Unlocked | AdminState::Locked => Ok(()),
        AdminState::LockedInstantiation if terminable => Ok(()),
        AdminState::LockedInstantiation | AdminState::ShuttingDown => {
            Err(ModelError::AdminState { object: object.clone(), state })
        }
    }
}

type Typed = (Csi, alloc::string::String);

/// Appends the CSIs of an instance: by name, but after those that they depend on.
fn add_csis(
    csis: &mut Vec<Typed>,
    instance: &amf::Instance,
    number: usize,
) -> Result<(), ModelError> {
    if instance.csis.is_empty() {
        return Err(ModelError::NoCsi(instance.name.clone()));
    }
    let mut open: BTreeMap<&Name, &amf::Csi> = BTreeMap::new();
    for csi in &instance.csis {
        if open.insert(&csi.name, csi).is_some() {
            return Err(ModelError::NameTwice(csi.name.clone()));
        }
    }
    let known: BTreeSet<&Name> = open.keys().copied().collect();
    let mut placed: BTreeMap<&Name, usize> = BTreeMap::new();
    while let Some(first) = open.keys().next().copied() {
        let free = |it: &&&amf::Csi| it.depends_on.iter().all(|on| placed.contains_key(on));
        let Some(csi) = open.values().find(free).copied() else {
            let mut sponsors =
                open.values().flat_map(|it| it.depends_on.iter().map(|on| (*it, on)));
            return Err(match sponsors.find(|(_, on)| !known.contains(on)) {
                Some((csi, on)) => ModelError::NoSponsor { csi: csi.name.clone(), on: on.clone() },
                None => ModelError::Cycle(first.clone()),
            });
        };
        let depends_on = csi.depends_on.iter().map(|on| placed[on]).collect();
        let attributes = csi.attributes.clone();
        let name = csi.name.clone();
        placed.insert(&csi.name, csis.len());
        open.remove(&csi.name);
        let it = Csi { name, instance: number, attributes, depends_on, last: None };
        csis.push((it, csi.kind.clone()));
    }
    Ok(())
}

fn unit(
    spec: &amf::Unit,
    place: Place,
    csis: &[Typed],
    names: &mut Names,
) -> Result<Unit, ModelError> {
    initial(&spec.name, spec.admin, true)?;
    if spec.components.is_empty() {
        return Err(ModelError::NoComponent(spec.name.clone()));
    }
    let mut components: Vec<&amf::Component> = spec.components.iter().collect();
    components.sort_by_key(|it| (it.level, it.name.clone()));
    for (component, it) in components.iter().enumerate() {
        names.add(&it.name, Object::Component(Place { component, ..place }))?;
        check_component(it)?;
    }
    Ok(Unit {
        name: spec.name.clone(),
        node: spec.node.clone(),
        failover: spec.failover,
        admin: spec.admin,
        operational: OperationalState::Enabled,
        host: None,
        lost: false,
        phase: Phase::Idle,
        restarts: 0,
        failovers: 0,
        takers: takers(spec, &components, csis)?,
        components: components.into_iter().cloned().map(component).collect(),
    })
}

fn check_component(it: &amf::Component) -> Result<(), ModelError> {
    use Recovery::{ComponentFailover, ComponentRestart, NoRecommendation};
    if it.command.first().is_none_or(alloc::string::String::is_empty) {
        return Err(ModelError::NoCommand(it.name.clone()));
    }
    if !matches!(it.recovery, NoRecommendation | ComponentRestart | ComponentFailover) {
        let (component, recovery) = (it.name.clone(), it.recovery);
        return Err(ModelError::Recovery { component, recovery });
    }
    Ok(())
}

/// Which component takes which CSI: of those that can, the one with the fewest of the same
/// instance, then the fewest at all, then the lowest level, then the first by name.
fn takers(
    spec: &amf::Unit,
    components: &[&amf::Component],
    csis: &[Typed],
) -> Result<Vec<usize>, ModelError> {
    let mut takers: Vec<usize> = Vec::new();
    for (csi, kind) in csis {
        let takes = |it: &usize| {
            let types = &components[*it].csi_types;
            kind.is_empty() || types.is_empty() || types.contains(kind)
        };
        let has = |it: usize, same: bool| {
            let counts = |(taker, (other, _)): (&usize, &Typed)| {
                *taker == it && (!same || other.instance == csi.instance)
            };
            takers.iter().zip(csis).filter(|it| counts((it.0, it.1))).count()
        };
        let best =
            (0..components.len()).filter(takes).min_by_key(|it| (has(*it, true), has(*it, false)));
        takers.push(best.ok_or_else(|| ModelError::NobodyTakes {
            unit: spec.name.clone(),
            csi: csi.name.clone(),
            kind: kind.clone(),
        })?);
    }
    Ok(takers)
}

fn component(spec: amf::Component) -> Component {
    Component {
        spec,
        operational: OperationalState::Enabled,
        presence: PresenceState::Uninstantiated,
        work: Work::Idle,
        start: 0,
        process: None,
        registered: None,
        holds: BTreeMap::new(),
        quiescing: None,
        attempts: 0,
        restarts: 0,
    }
}

impl State {
    /// Takes a model, if there is none yet.
    pub(crate) fn load(&mut self, model: Model, ordered: bool) -> Result<(), Refusal> {
        match &self.model {
            Some(here) if *here == model => return Ok(()),
            Some(_) => return Err(Refusal::OtherModel),
            None => {}
        }
        let (groups, names) = build(&model).map_err(|it| Refusal::BadModel(it.to_string()))?;
        self.touched.extend(0..groups.len());
        (self.groups, self.names) = (groups, names);
        let until = self.ledger.time().after(model.startup_timeout);
        self.ledger.alarms.set(Alarm::Startup, until);
        self.model = Some(model);
        self.ordered = ordered;
        self.restore_admin_states();
        self.kept_changes += 1;
        Ok(())
    }
}
