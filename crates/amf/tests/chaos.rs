//! Cores under one order, with components and nodes that misbehave at random: nobody is ever
//! active twice, all nodes hold the same, and once everything is well all work is assigned.

mod common;

use ais_types::amf::{AdminOperation as Op, AdminState, AssignmentState, OperationalState};
use ais_types::amf::{Model, Recovery};
use ais_types::{GroupTime, MemberId};
use common::{Manner, World, component, csi, group, instance, model, name, seconds, unit};

const SEEDS: u64 = 120;
const NODES: [&str; 3] = ["n1", "n2", "n3"];
const COMPONENTS: [&str; 6] = ["C1a", "C1b", "C2a", "C2b", "C3a", "C3b"];
const OBJECTS: [&str; 6] = ["SU1", "SU2", "SU3", "SG", "SI1", "SI2"];
const OPERATIONS: [Op; 6] = [
    Op::Lock,
    Op::Unlock,
    Op::LockInstantiation,
    Op::UnlockInstantiation,
    Op::Shutdown,
    Op::Repaired,
];

/// Three units of two components; what they recover by differs from seed to seed.
fn any_model(random: &mut fastrand::Rng) -> Model {
    let mut units = Vec::new();
    let failover = random.bool();
    for (at, node) in (1..).zip(NODES) {
        let mut both = ["a", "b"].map(|it| component(&format!("C{at}{it}")));
        for it in &mut both {
            it.level = random.u32(0..2);
            it.disable_restart = random.u8(0..5) == 0;
            if random.bool() {
                it.recovery = Recovery::ComponentFailover;
            }
            if random.bool() {
                it.cleanup = Some(vec!["cleanup".into()]);
            }
        }
        let mut unit = unit(&format!("SU{at}"), node, both.into());
        unit.failover = failover;
        units.push(unit);
    }
    let mut dependent = csi("CSI1b");
    dependent.depends_on = vec![name("CSI1a")];
    let first = instance("SI1", 1, vec![csi("CSI1a"), dependent]);
    model(group(units, vec![first, instance("SI2", 2, vec![csi("CSI2")])]))
}

struct Chaos {
    world: World,
    random: fastrand::Rng,
    /// Left, and still to be released.
    lost: Vec<MemberId>,
    down: Vec<&'static str>,
}

impl Chaos {
    fn step(&mut self) {
        let Self { world, random, .. } = self;
        match random.u32(0..100) {
            0..40 => {
                for _ in 0..random.u32(1..12) {
                    world.deliver();
                }
            }
            40..55 => self.kill(),
            55..63 => {
                let (component, manner) = (random.choice(COMPONENTS), self.manner());
                self.world.behave(component.expect("there are some"), manner);
            }
            63..68 => {
                let component = random.choice(COMPONENTS).expect("there are some");
                if !world.stuck.remove(component) && random.bool() {
                    world.stuck.insert(component.into());
                }
            }
            68..80 => {
                let object = random.choice(OBJECTS).expect("there are some");
                let operation = random.choice(OPERATIONS).expect("there are some");
                world.order(object, operation);
            }
            80..84 => self.crash(),
            84..90 => self.release(),
            90..94 => self.join(),
            _ => self.tick(),
        }
    }

    fn manner(&mut self) -> Manner {
        match self.random.u32(0..8) {
            0 => Manner::Mute,
            1 => Manner::Deaf,
            2 => Manner::Refuses,
            3 => Manner::Missing,
            _ => Manner::Good,
        }
    }

    fn kill(&mut self) {
        let component = self.random.choice(COMPONENTS).expect("there are some");
        if self.world.process(component).is_some() {
            self.world.kill(component);
        }
    }

    /// A majority stays.
    fn crash(&mut self) {
        if self.down.is_empty() {
            let node = self.random.choice(NODES).expect("there are some");
            let lost = self.world.crash(node);
            self.lost.push(lost);
            self.down.push(node);
        }
    }

    fn release(&mut self) {
        if let Some(member) = self.lost.pop() {
            self.world.release_later(member);
        }
    }

    /// Before or after what it was is released.
    fn join(&mut self) {
        if let Some(node) = self.down.pop() {
            // A new life starts from what everyone agrees on.
            self.world.settle();
            self.world.join(&[node]);
        }
    }

    fn tick(&mut self) {
        if let Some(due) = self.world.due() {
            self.world.tick(GroupTime(due.0));
        }
    }

    /// Everything is mended, and everybody behaves.
    fn calm(&mut self) {
        COMPONENTS.iter().for_each(|it| self.world.behave(it, Manner::Good));
        self.world.stuck.clear();
        self.join();
        while !self.lost.is_empty() {
            self.release();
        }
        for round in 0..20 {
            self.world.pass(seconds(200));
            if self.mend() {
                return;
            }
            assert!(round < 19, "it never heals:\n{:#?}", self.world.state());
        }
    }

    /// What an operator does about what is locked or broken; `true`: nothing is.
    fn mend(&mut self) -> bool {
        let state = self.world.state();
        let group = &state.groups[0];
        let mut orders: Vec<(String, Op)> = Vec::new();
        let mut unlock = |object: String, admin: AdminState| match admin {
            AdminState::Unlocked => {}
            AdminState::LockedInstantiation => orders.push((object, Op::UnlockInstantiation)),
            AdminState::Locked | AdminState::ShuttingDown => orders.push((object, Op::Unlock)),
        };
        unlock("SG".into(), group.admin);
        group.instances.iter().for_each(|it| unlock(it.name.to_string(), it.admin));
        group.units.iter().for_each(|it| unlock(it.name.to_string(), it.admin));
        let broken = group.units.iter().filter(|it| it.operational == OperationalState::Disabled);
        orders.extend(broken.map(|it| (it.name.to_string(), Op::Repaired)));
        for (object, operation) in &orders {
            self.world.order(object, *operation);
            self.world.settle();
        }
        orders.is_empty()
    }
}

fn run(seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let world = World::start(&NODES, any_model(&mut random));
    let mut chaos = Chaos { world, random, lost: vec![], down: vec![] };
    for _ in 0..200 {
        chaos.step();
    }
    chaos.calm();
    let state = chaos.world.state();
    for it in &state.groups[0].instances {
        assert_eq!(it.assignment, AssignmentState::FullyAssigned, "seed {seed}: {state:#?}");
    }
    assert_eq!(chaos.world.active().len(), 3, "seed {seed}: {state:#?}");
}

#[test]
fn never_two_actives_and_everything_heals() {
    for seed in 0..SEEDS {
        let outcome = std::panic::catch_unwind(|| run(seed));
        assert!(outcome.is_ok(), "seed {seed}");
    }
}
