//! What operators see.

use crate::state::{Component, Group, State, Unit};
use ais_types::amf::{
    self, AssignmentState, ComponentReport, CsiReport, GroupReport, HaState, InstanceReport,
    UnitReport,
};
use alloc::vec::Vec;

impl State {
    /// The whole tree.
    pub(crate) fn report(&self) -> amf::State {
        amf::State { groups: self.groups.iter().map(Group::report).collect() }
    }
}

impl Group {
    fn report(&self) -> GroupReport {
        GroupReport {
            application: self.application.clone(),
            name: self.name.clone(),
            redundancy: self.redundancy,
            admin: self.admin,
            settled: self.settled(),
            units: (0..self.units.len()).map(|unit| self.unit_report(unit)).collect(),
            instances: (0..self.instances.len()).map(|it| self.instance_report(it)).collect(),
        }
    }

    fn unit_report(&self, unit: usize) -> UnitReport {
        let readiness = self.readiness(unit);
        let unit = &self.units[unit];
        UnitReport {
            name: unit.name.clone(),
            node: unit.node.clone(),
            host: unit.host,
            admin: unit.admin,
            operational: unit.operational,
            presence: unit.presence(),
            readiness,
            ha: unit.ha(|_| true),
            restarts: unit.restarts,
            components: unit.components.iter().map(|it| self.component_report(it)).collect(),
        }
    }

    fn component_report(&self, it: &Component) -> ComponentReport {
        let named = |(csi, hold): (&usize, &crate::state::Hold)| {
            Some((self.csis[*csi].name.clone(), hold.state?))
        };
        ComponentReport {
            name: it.spec.name.clone(),
            operational: it.operational,
            presence: it.presence,
            process: it.process,
            restarts: it.restarts,
            assignments: it.holds.iter().filter_map(named).collect(),
        }
    }

    fn instance_report(&self, instance: usize) -> InstanceReport {
        let ours = |csi: &usize| self.csis[*csi].instance == instance;
        InstanceReport {
            name: self.instances[instance].name.clone(),
            admin: self.instances[instance].admin,
            assignment: self.assignment(instance),
            csis: (0..self.csis.len()).filter(ours).map(|csi| self.csi_report(csi)).collect(),
        }
    }

    /// §3.2.3.2.
    fn assignment(&self, instance: usize) -> AssignmentState {
        let ours = |csi: usize| self.csis[csi].instance == instance;
        let states: Vec<HaState> = self.units.iter().filter_map(|it| it.ha(ours)).collect();
        let active = states.iter().any(|it| matches!(it, HaState::Active | HaState::Quiescing));
        match (active, states.contains(&HaState::Standby)) {
            (false, _) => AssignmentState::Unassigned,
            (true, true) => AssignmentState::FullyAssigned,
            (true, false) => AssignmentState::PartiallyAssigned,
        }
    }

    fn csi_report(&self, csi: usize) -> CsiReport {
        let has =
            |(_, _, it): (usize, usize, &Component)| Some((it.spec.name.clone(), it.state(csi)?));
        CsiReport {
            name: self.csis[csi].name.clone(),
            components: self.components().filter_map(has).collect(),
        }
    }
}

impl Unit {
    /// §3.2.1.5, table 6: what the unit is for those CSIs.
    fn ha(&self, csis: impl Fn(usize) -> bool) -> Option<HaState> {
        let order = [HaState::Active, HaState::Standby, HaState::Quiescing, HaState::Quiesced];
        let holds = self.components.iter().flat_map(|it| &it.holds);
        let states: Vec<HaState> =
            holds.filter(|(csi, _)| csis(**csi)).filter_map(|(_, hold)| hold.state).collect();
        order.into_iter().find(|it| states.contains(it))
    }
}
