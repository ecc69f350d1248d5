//! The models of the tutorials are models.

use ais_types::amf::{AdminState, Escalation, Recovery};
use std::{fs, path::Path};

const HOSTS: &[&str] = &["SCNodeI0", "SCNodeI1", "PayloadNodeI0", "PayloadNodeI1"];

#[test]
fn every_example_is_accepted_by_reader_and_service() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/models");
    let mut count = 0;
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let model = aisd::model::load(&path, HOSTS).unwrap();
        ais_amf::check(&model).unwrap();
        count += 1;
    }
    assert_eq!(count, 5);
}

#[test]
fn the_tutorials_recover_as_they_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/models");
    let group = |file: &str| {
        let model = aisd::model::load(&folder.join(file), HOSTS).unwrap();
        model.applications[0].groups[0].clone()
    };
    let csa104 = group("csa104-1.toml");
    assert_eq!((csa104.component_restarts.max, csa104.unit_restarts.max), (2, 2));
    assert_eq!(csa104.escalation, Escalation::AtMax);
    assert_eq!(csa104.units[0].components[0].recovery, Recovery::ComponentRestart);
    let csa103 = group("csa103-1.toml");
    assert_eq!(csa103.admin, AdminState::LockedInstantiation);
    assert_eq!(csa103.units[0].components[0].recovery, Recovery::ComponentFailover);
}
