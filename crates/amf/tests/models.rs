//! Models and calls that make no sense: refused with the name of what is wrong, and survived.

mod common;

use ais_amf::{ModelError, check};
use ais_types::amf::{AdminState, Call, Model, Recovery, Reply};
use ais_types::{ErrorCode, Name};
use common::{World, component, csi, name, two_n};
use proptest::prelude::*;

#[track_caller]
fn refused(spoil: impl FnOnce(&mut Model), said: &str) {
    let mut model = two_n(&["n1", "n2"], &["CSI1", "CSI2"]);
    assert_eq!(check(&model), Ok(()));
    spoil(&mut model);
    let error = check(&model).expect_err("it is spoilt");
    assert!(error.to_string().contains(said), "{error}");
}

fn group(model: &mut Model) -> &mut ais_types::amf::Group {
    &mut model.applications[0].groups[0]
}

#[test]
fn a_model_is_taken_or_refused_by_name() {
    refused(|it| group(it).units[1].name = name("SU1"), "SU1: the name is given twice");
    refused(|it| group(it).units.clear(), "SG has no unit");
    refused(|it| group(it).units[0].components.clear(), "SU1 has no component");
    refused(|it| group(it).instances[0].csis.clear(), "SI1 has no CSI");
    refused(|it| group(it).name = Name::default(), "without a name");
    refused(|it| group(it).units[0].components[0].command.clear(), "C1 has an empty command");
    refused(|it| group(it).admin = AdminState::ShuttingDown, "SG: admin state SHUTTING_DOWN");
    let locked = AdminState::LockedInstantiation;
    refused(|it| group(it).instances[0].admin = locked, "SI1: admin state LOCKED_INSTANTIATION");
    let recovery = Recovery::ClusterReset;
    refused(|it| group(it).units[0].components[0].recovery = recovery, "CLUSTER_RESET");
    let depends = |on: &str| vec![name(on)];
    refused(
        |it| group(it).instances[0].csis[0].depends_on = depends("CSI2"),
        "CSI1 depends on CSI2",
    );
    refused(|it| group(it).instances[0].csis[0].depends_on = depends("CSI1"), "depends on itself");
    let types = vec!["printer".to_owned()];
    refused(
        |it| {
            group(it).instances[0].csis[0].kind = "disk".into();
            group(it).units[0].components[0].csi_types = types;
        },
        "SU1 has no component that takes CSI CSI1 of type \"disk\"",
    );
}

#[test]
fn a_cluster_keeps_its_first_model() {
    let mut world = World::start(&["n1"], two_n(&["n1"], &["CSI1"]));
    let same = two_n(&["n1"], &["CSI1"]);
    assert_eq!(world.ask("n1", Call::LoadModel(same)), Ok(Reply::Done));
    let other = two_n(&["n1"], &["CSI2"]);
    let refused = world.ask("n1", Call::LoadModel(other)).unwrap_err();
    assert_eq!(refused.code, ErrorCode::Exist);
    let mut bad = two_n(&["n1"], &["CSI1"]);
    bad.applications[0].groups[0].units.clear();
    let refused = world.ask("n1", Call::LoadModel(bad)).unwrap_err();
    assert_eq!(refused.code, ErrorCode::InvalidParam);
    assert!(refused.text.contains("group SG has no unit"), "{refused}");
}

#[test]
fn decisions_are_explained() {
    let mut world = World::start(&["n1"], two_n(&["n1", "n1"], &["CSI1"]));
    world.kill("C1");
    world.settle();
    let Ok(Reply::Causes(causes)) = world.ask("n1", Call::Explain { object: name("C1") }) else {
        panic!("C1 is in the model");
    };
    let restart = causes.iter().find(|it| it.decision.contains("restart it in place"));
    assert!(restart.is_some_and(|it| it.event.contains("of C1 ended")), "{causes:#?}");
    let stranger = world.ask("n1", Call::Explain { object: name("nobody") }).unwrap_err();
    assert_eq!(stranger.code, ErrorCode::NotExist);
}

proptest! {
    /// CSIs that depend on one another in any way: an order is found, or the cycle is named.
    #[test]
    fn no_dependency_panics(edges in prop::collection::vec((0..6_usize, 0..7_usize), 0..12)) {
        let mut model = two_n(&["n1", "n2"], &["CSI0"]);
        let called = |it: usize| format!("CSI{it}");
        let csis = &mut group(&mut model).instances[0].csis;
        csis.extend((1..6).map(|it| csi(&called(it))));
        for (from, to) in edges {
            csis[from].depends_on.push(name(&called(to)));
        }
        match check(&model) {
            Ok(()) | Err(ModelError::Cycle(_) | ModelError::NoSponsor { .. }) => {}
            Err(other) => prop_assert!(false, "{}", other),
        }
    }

    /// Answers that nobody asked for, with any number, change nothing.
    #[test]
    fn no_answer_panics(invocation in any::<u64>(), failed in any::<bool>(), complete in any::<bool>()) {
        let mut world = World::start(&["n1"], two_n(&["n1", "n1"], &["CSI1"]));
        let answer = failed.then_some(ErrorCode::FailedOperation);
        let call = match complete {
            true => Call::QuiescingComplete { invocation, answer },
            false => Call::Response { invocation, answer },
        };
        let refused = world.ask("n1", call).unwrap_err().code;
        prop_assert!(matches!(refused, ErrorCode::NotExist | ErrorCode::InvalidParam));
        prop_assert_eq!(world.active().len(), 1);
    }
}

#[test]
fn any_component_fits_any_type() {
    let mut model = two_n(&["n1"], &["CSI1"]);
    group(&mut model).units[0].components.push(component("C1b"));
    assert_eq!(check(&model), Ok(()));
}
