//! The examples in C, built with the system's compiler and run for real.

use ais_capi_tests::{Build, Sanitize, Talk, example};
use ais_conformance::Site;
use rustix::process::{Pid, Signal, kill_process};
use std::path::Path;

fn site() -> Site {
    let node = Path::new(env!("CARGO_BIN_EXE_capi-node"));
    Site::start(node, &["n1", "n2", "n3"]).expect("three nodes come up")
}

fn signal(program: &Talk, signal: Signal) {
    let pid = i32::try_from(program.process()).ok().and_then(Pid::from_raw);
    kill_process(pid.expect("a process number"), signal).expect("it is there");
}

fn number(text: &str) -> u32 {
    text.parse().unwrap_or_else(|_| panic!("{text:?} is no number"))
}

/// The active one counts; its node is killed; the other one goes on where it stopped.
#[test]
fn the_counter_goes_on_where_the_lost_node_stopped() {
    let (mut site, build) = (site(), Build::new());
    let source = [example("server_based_checkpoint.c")];
    let program = build.program("counter", &source, &["SaCkpt"], Sanitize::Nothing);
    let mut first = Talk::start(&program, &["20"], site.socket("n1"));
    first.wait_for("Section created");
    let mut second = Talk::start(&program, &["20"], site.socket("n2"));
    // The section is there: the second one reads what the first one created.
    assert_eq!(second.wait_for("CheckpointRead: seq ="), "0");
    signal(&first, Signal::USR1);
    first.wait_for("Active");
    let mut last = 0;
    while last < 20 {
        last = number(&first.wait_for("CkptWrite: seq ="));
    }
    // The process and its node at once; it may have written more meanwhile.
    site.kill("n1").expect("it is killed");
    let mut line = first.line();
    while !line.is_empty() {
        last = line.strip_prefix("CkptWrite: seq = ").map_or(last, number);
        line = first.line();
    }
    drop(first);
    signal(&second, Signal::USR1);
    second.wait_for("Active");
    let found = number(&second.wait_for("CheckpointRead: seq ="));
    // Every number that was written was synchronized but, possibly, the last one.
    assert!(found == last || found + 1 == last, "{last} was written, {found} was found");
    assert_eq!(number(&second.wait_for("CkptWrite: seq =")), found);
    assert_eq!(number(&second.wait_for("CkptWrite: seq =")), found + 1);
    signal(&second, Signal::TERM);
    second.wait_for("Ended");
    second.end();
}

#[test]
fn the_membership_is_watched() {
    let (mut site, build) = (site(), Build::new());
    let source = [example("membership.c")];
    let program = build.program("membership", &source, &["SaClm"], Sanitize::Address);
    let mut program = Talk::start(&program, &[], site.socket("n1"));
    assert!(program.wait_for("view").ends_with("3 members"));
    site.kill("n3").expect("it is killed");
    assert!(program.line().ends_with(" left"));
    assert!(program.line().ends_with("2 members"));
    site.restart("n3").expect("it comes back");
    assert!(program.line().ends_with(" joined"));
    assert!(program.line().ends_with("3 members"));
    signal(&program, Signal::TERM);
    program.end();
}

#[test]
fn the_supervised_program_does_all_its_work() {
    let build = Build::new();
    let program =
        build.program("supervised", &[example("supervised.c")], &["sam"], Sanitize::Address);
    let mut program = Talk::start(&program, &[], Path::new("no-node"));
    for (instance, work) in [(1, 1..=3), (2, 4..=7), (3, 8..=10)] {
        assert_eq!(program.line(), format!("instance {instance} goes on at {}", work.start() - 1));
        work.for_each(|it| assert_eq!(program.line(), format!("work {it}")));
    }
    assert_eq!(program.line(), "all done");
    program.end();
}
