//! In which state which call is legal, and with which code it fails otherwise.

use crate::common::Probe;

const BAD_HANDLE: &str = "9";
const INVALID: &str = "7";
const OK: &str = "1";

/// Every call that is legal only later, or with arguments that a state is looked at before.
const ALL: &[&str] = &[
    "start",
    "stop",
    "hc",
    "mark-failed",
    "callback well",
    "callback null",
    "getsize",
    "restore 8",
    "store x",
    "store-null 3",
    "warn 10",
    "finalize",
];

#[test]
fn nothing_but_initialize_is_legal_before_it() {
    let mut probe = Probe::new();
    for call in ALL {
        probe.expect(&[(call, BAD_HANDLE)]);
    }
    assert!(probe.ask("register").starts_with("registered 9 instance 0"));
    // These look at their arguments first.
    probe.expect(&[
        ("getsize-null", INVALID),
        ("restore-null 8", INVALID),
        ("store-null 9223372036854775807", "26"),
        ("initialize 100 0", INVALID),
    ]);
}

#[test]
fn a_policy_is_one_or_two_with_two_flags() {
    for policy in ["0", "3", "4", "-1", "8", "16", "24", "11", "27", "32", "34"] {
        let mut probe = Probe::new();
        let initialize = format!("initialize 100 {policy}");
        // It is looked at before the state is, and nothing has happened then.
        probe.expect(&[(&initialize, INVALID), ("initialize 100 17", OK), (&initialize, INVALID)]);
    }
    for policy in ["1", "2", "17", "18"] {
        let initialize = format!("initialize 100 {policy}");
        Probe::new().expect(&[(&initialize, OK), (&initialize, BAD_HANDLE)]);
    }
}

#[test]
fn initialized() {
    let mut probe = Probe::new();
    probe.expect(&[
        ("initialize 0 2", OK),
        ("state", "initialized"),
        ("start", BAD_HANDLE),
        ("stop", BAD_HANDLE),
        ("hc", BAD_HANDLE),
        ("mark-failed", BAD_HANDLE),
        ("callback well", BAD_HANDLE),
        ("getsize", "1 0"),
        ("restore 8", "1 ........"),
        ("store abc", OK),
        ("warn 10", OK),
        ("warn 4711", OK),
        ("initialize 0 2", BAD_HANDLE),
    ]);
}

#[test]
fn registered_started_and_back() {
    let mut probe = Probe::new();
    probe.expect(&[("initialize 60000 1", OK)]);
    probe.register();
    for _ in 0..3 {
        probe.expect(&[
            ("state", "registered"),
            ("stop", BAD_HANDLE),
            ("hc", BAD_HANDLE),
            ("initialize 0 1", BAD_HANDLE),
            ("callback well", OK),
            // The state is looked at before the flag is.
            ("mark-failed", INVALID),
            ("start", OK),
            ("state", "started"),
            ("start", BAD_HANDLE),
            ("callback well", BAD_HANDLE),
            ("callback null", BAD_HANDLE),
            ("initialize 0 1", BAD_HANDLE),
            ("mark-failed", INVALID),
            ("hc", OK),
            ("store abc", OK),
            ("getsize", "1 3"),
            ("restore 3", "1 abc"),
            ("warn 12", OK),
            ("stop", OK),
        ]);
        assert!(probe.ask("register").starts_with("registered 9"));
    }
}

#[test]
fn finalized_is_for_ever() {
    for before in [
        &["initialize 0 2"][..],
        &["initialize 0 2", "register"],
        &["initialize 0 2", "register", "start"],
    ] {
        let mut probe = Probe::new();
        for call in before {
            if *call == "register" {
                probe.register();
            } else {
                probe.expect(&[(call, OK)]);
            }
        }
        probe.expect(&[("store abc", OK), ("finalize", OK), ("state", "finalized")]);
        for call in ALL {
            probe.expect(&[(call, BAD_HANDLE)]);
        }
        probe.expect(&[("initialize 0 2", BAD_HANDLE), ("initialize 0 3", INVALID)]);
        assert!(probe.ask("register").starts_with("registered 9"));
    }
}

#[test]
fn the_callback_and_its_arguments() {
    let mut probe = Probe::new();
    probe.expect(&[("initialize 60000 1", OK)]);
    probe.register();
    probe.expect(&[("callback null", INVALID), ("callback well", OK), ("callback null", OK)]);

    let mut probe = Probe::new();
    probe.expect(&[("initialize 0 1", OK)]);
    probe.register();
    // The interval is looked at before the callback is.
    probe.expect(&[("callback null", INVALID), ("callback well", INVALID)]);
}
