//! A machine that is out of breath: who is slow but alive is not thrown out.

use crate::site::Site;
use ais_cli::dev::Plan;
use std::{
    process::{Child, Command, Stdio},
    thread::available_parallelism,
    time::{Duration, Instant},
};

/// For how long both processors are busy.
const BUSY: Duration = Duration::from_secs(8);
/// How often somebody else may have taken the processors away, before that is an error, too.
const TRIES: usize = 16;

/// Processes that do nothing but compute.
struct Load(Vec<Child>);

impl Load {
    fn begin() -> Self {
        let count = available_parallelism().map_or(2, usize::from) * 2;
        let spin = || {
            let mut command = Command::new("sh");
            command.args(["-c", "while :; do :; done"]).stdout(Stdio::null());
            command.spawn().unwrap()
        };
        Self((0..count).map(|_| spin()).collect())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Lets this time pass. The longest that this thread, which sleeps most of the time as nodes do, was
/// kept waiting for a processor.
#[expect(clippy::disallowed_methods, reason = "it is the machine's own time that is measured")]
fn pass(time: Duration) -> Duration {
    const NAP: Duration = Duration::from_millis(5);
    let (end, mut worst) = (Instant::now() + time, Duration::ZERO);
    while Instant::now() < end {
        let asleep = Instant::now();
        std::thread::park_timeout(NAP);
        worst = worst.max(asleep.elapsed().saturating_sub(NAP));
    }
    worst
}

#[test]
fn nobody_is_thrown_out_while_all_processors_are_busy() {
    let site = Site::exactly(Plan::new(["n1", "n2", "n3"]));
    let mut stalls = Vec::new();
    for _ in 0..TRIES {
        site.cluster.wait_formed(crate::site::SOON).unwrap();
        let before = site.cluster.status("n1").unwrap().view.number;
        let load = Load::begin();
        let stalled = pass(BUSY);
        drop(load);
        let changed = site.cluster.status("n1").is_none_or(|it| it.view.number != before);
        if !changed {
            return;
        }
        // A thread that was not run for a third of the failure timeout is not slow, but halted: the
        // machine was taken away from all of us.
        assert!(stalled > Duration::from_millis(160), "the view has changed; stalled {stalled:?}");
        stalls.push(stalled);
    }
    panic!("this machine halts again and again, which no node can stand: for {stalls:?}");
}
