//! Models: what ten lines mean, and what is said about wrong ones.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use ais_types::{
    Name, Time,
    amf::{AdminState, Limit, Model, Recovery},
};
use aisd::model::parse;
use proptest::prelude::*;
use std::path::Path;

const GOOD: &str = r#"
[[groups]]
name = "csa103SGI0"
admin = "LOCKED_INSTANTIATION"
component.command = ["bin/csa103", "-p"]
unit_restarts = { max = 1, probation_ms = 5000 }
units = [
  { name = "csa103SUI0", node = "west", components = ["csa103CompI0"] },
  { name = "csa103SUI1", node = "east", components = [
    { name = "csa103CompI1", with = { command = ["other"], attempts = 7 } },
  ] },
]
instances = [{ name = "csa103SII0", csis = [
  "csa103CSII0",
  { name = "second", attributes = { a = "1", b = ["2", "3"] }, depends_on = ["csa103CSII0"] },
] }]
"#;

fn read(text: &str) -> Result<Model, String> {
    parse(Path::new("amf.toml"), text, &["west", "east"]).map_err(|error| error.to_string())
}

#[track_caller]
fn check(part: &str, by: &str, said: &str) {
    assert!(GOOD.contains(part), "{part}");
    let error = read(&GOOD.replacen(part, by, 1)).unwrap_err();
    assert!(error.starts_with("amf.toml:"), "{error}");
    assert!(error.contains(said), "{error}");
}

#[test]
fn ten_lines_make_a_group() {
    let model = read(GOOD).unwrap();
    let group = &model.applications[0].groups[0];
    assert_eq!(group.name, Name::new("csa103SGI0").unwrap());
    assert_eq!(group.admin, AdminState::LockedInstantiation);
    assert_eq!(group.component_restarts, Limit { max: 2, probation: Time(10_000_000_000) });
    assert_eq!(group.unit_restarts, Limit { max: 1, probation: Time(5_000_000_000) });
    assert_eq!(group.units.iter().map(|it| it.rank).collect::<Vec<_>>(), [1, 2]);
    let [first, second] = [0, 1].map(|it| &group.units[it].components[0]);
    assert_eq!((first.command.join(" ").as_str(), first.attempts), ("bin/csa103 -p", 2));
    assert_eq!((second.command.join(" ").as_str(), second.attempts), ("other", 7));
    assert_eq!(first.recovery, Recovery::ComponentRestart);
    let csi = &group.instances[0].csis[1];
    let attributes = [("a", "1"), ("b", "2"), ("b", "3")];
    assert_eq!(csi.attributes, attributes.map(|(name, value)| (name.into(), value.into())));
    assert_eq!(csi.depends_on, [Name::new("csa103CSII0").unwrap()]);
}

#[test]
fn an_error_names_file_line_and_key_and_says_what_to_do() {
    let said = "amf.toml:9: node: \"north\" hosts nothing in this cluster; use one of west, east";
    check("\"east\"", "\"north\"", said);
}

#[test]
fn every_rule_is_kept() {
    check("csa103SUI1", "csa103SUI0", "amf.toml:9: name: \"csa103SUI0\" is the name of something");
    check("\"csa103CompI0\"", "\"csa103SII0\"", "is the name of something else");
    check("\"csa103SGI0\"", "\"\"", "not fit for a name");
    check("LOCKED_INSTANTIATION", "SHUTTING_DOWN", "use one of UNLOCKED, LOCKED, LOCKED_INST");
    check("[\"bin/csa103\", \"-p\"]", "[]", "command: an empty command");
    check("component.command", "component.comand", "unknown field `comand`");
    check("component.command", "redundancy = \"NWAY\"\ncomponent.command", "use \"2N\"");
    check("[\"csa103CompI0\"]", "[]", "a unit without a component");
    check("[\"csa103CompI0\"]", "[3]", "a name, or a table with a name");
    check("[\"csa103CSII0\"]", "[\"third\"]", "depends_on: \"third\" is no other CSI");
    check("attempts", "attemps", "unknown field `attemps`");
    check("max = 1", "max = -1", "u32");
    check("[[groups]]", "[groups]", ":");
}

proptest! {
    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = read(&text);
    }

    #[test]
    fn no_damage_panics(at in 0..GOOD.len(), length in 0..40_usize, by in "\\PC{0,12}") {
        let mut text = GOOD.to_owned();
        text.replace_range(at..(at + length).min(GOOD.len()), &by);
        if let Err(error) = read(&text) {
            prop_assert!(error.starts_with("amf.toml:"), "{}", error);
        }
    }
}
