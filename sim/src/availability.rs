//! What is to be kept available: one service instance, protected by two units.

use ais_types::{
    Name, NodeId, Time,
    amf::{
        AdminState, Application, Component, Csi, Escalation, Group, Instance, Limit, Model,
        Recovery, Redundancy, Unit,
    },
};

/// Where the two units are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setting {
    /// Nowhere: there is no model, and every node has programs of its own that receive.
    None,
    /// On two nodes.
    Apart,
    /// On one.
    Together,
}

impl Setting {
    pub(crate) const fn of_seed(seed: u64) -> Self {
        match seed % 3 {
            0 => Self::None,
            1 => Self::Apart,
            _ => Self::Together,
        }
    }

    /// Which nodes of so many host components.
    pub(crate) fn nodes(self, nodes: u32) -> Vec<NodeId> {
        match self {
            Self::None => Vec::new(),
            Self::Apart => vec![NodeId(1), NodeId(2.min(nodes))],
            Self::Together => vec![NodeId(1)],
        }
    }

    /// The model for a cluster of so many nodes; `cleanup`: components have a clean-up command.
    pub(crate) fn model(self, nodes: u32, cleanup: bool) -> Option<Model> {
        let nodes = self.nodes(nodes);
        let units = (1..).zip([nodes.first()?, nodes.last()?]);
        let units = units.map(|(number, node)| unit(number, *node, cleanup)).collect();
        let csi =
            Csi { name: name("CSI"), kind: String::new(), attributes: vec![], depends_on: vec![] };
        let admin = AdminState::Unlocked;
        let instances = vec![Instance { name: name("SI"), rank: 1, admin, csis: vec![csi] }];
        let limit = Limit { max: 3, probation: seconds(4) };
        let group = Group {
            name: name("SG"),
            redundancy: Redundancy::TwoN,
            admin,
            auto_repair: true,
            component_restarts: limit,
            unit_restarts: limit,
            escalation: Escalation::AtMax,
            units,
            instances,
        };
        let applications = vec![Application { name: name("App"), groups: vec![group] }];
        Some(Model { applications, startup_timeout: seconds(1) })
    }
}

/// The name of a node's CLM node.
pub(crate) fn node_name(node: NodeId) -> Name {
    name(&format!("safNode=n{},safCluster=sim", node.0))
}

fn unit(number: u32, node: NodeId, cleanup: bool) -> Unit {
    let component = Component {
        name: name(&format!("C{number}")),
        command: vec!["component".to_owned()],
        environment: vec![],
        cleanup: cleanup.then(|| vec!["cleanup".to_owned()]),
        level: 1,
        // One is restarted in place, the other one gives its work away.
        recovery: if number == 1 {
            Recovery::ComponentRestart
        } else {
            Recovery::ComponentFailover
        },
        // With it, a single kill during a start would wait for an operator (§4.6).
        disable_restart: false,
        attempts: 10,
        instantiate_timeout: seconds(3),
        terminate_timeout: seconds(3),
        cleanup_timeout: seconds(3),
        callback_timeout: seconds(3),
        quiescing_timeout: seconds(3),
        csi_types: vec![],
    };
    Unit {
        name: name(&format!("SU{number}")),
        node: node_name(node),
        rank: number,
        admin: AdminState::Unlocked,
        failover: number == 2,
        components: vec![component],
    }
}

fn seconds(count: i64) -> Time {
    Time(count * Time::ONE_SECOND.0)
}

fn name(text: &str) -> Name {
    Name::new(text).expect("it is short")
}
