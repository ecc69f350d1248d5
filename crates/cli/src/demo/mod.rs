//! The main job, to watch: three node processes, two tutorials, a killed component, a killed
//! node. Nothing is lost.

mod tally;
mod teller;

use crate::{
    Failure, ask,
    dev::{Cluster, Lifetime, PATIENCE, Plan, Wire},
    logs::{Line, Log, hello, received, sending},
    run::complain,
    wait::{Overdue, Watch, until},
};
use ais_types::amf::AdminOperation;
use rustix::process::{Pid, Signal, kill_process};
use std::{path::Path, process::ExitCode, time::Duration};
use tally::{Counted, Messages, counted, lost_updates, messages};
use teller::{Summary, Teller};

/// A few numbers or messages.
const SOON: Duration = Duration::from_secs(15);

/// Runs the demonstration; fails when something was lost, or did not happen in time.
pub(crate) fn main(keep: Option<&Path>, transport: Wire, json: bool) -> ExitCode {
    let shown = match keep {
        Some(folder) => run(folder, transport, json),
        None => match tempfile::tempdir() {
            Ok(folder) => run(folder.path(), transport, json),
            Err(error) => Err(Failure::at("a temporary folder")(error)),
        },
    };
    match shown {
        Ok(Summary { lost_updates: 0, lost_messages: 0, repeated_messages: 0, .. }) => {
            ExitCode::SUCCESS
        }
        Ok(_) => ExitCode::FAILURE,
        Err(failure) => complain(&failure, json),
    }
}

fn run(folder: &Path, transport: Wire, json: bool) -> Result<Summary, Failure> {
    let plan = Plan { model: Some(MODEL.to_owned()), transport, ..Plan::new(["n1", "n2", "n3"]) };
    let cluster = Cluster::create(folder, &plan)?;
    let mut demo = Demo::new(&cluster, Teller::new(json));
    let told = demo.tell();
    let down = cluster.down();
    let summary = told?;
    down?;
    demo.teller.summary(&summary);
    Ok(summary)
}

/// After the first fail-over both actives are on n2, so that its end hits both.
const MODEL: &str = r#"
[[groups]]
name = "csa103SGI0"
admin = "LOCKED_INSTANTIATION"
component = { command = ["bin/csa103"], recovery = "COMPONENT_FAILOVER" }
units = [
  { name = "csa103SUI0", node = "n1", components = ["csa103CompI0"] },
  { name = "csa103SUI1", node = "n2", components = ["csa103CompI1"] },
]
instances = [{ name = "csa103SII0", csis = ["csa103CSII0"] }]

[[groups]]
name = "csa104SGI0"
component = { command = ["bin/csa104"], environment = { CSA104_RETENTION_MS = "600000" } }
units = [
  { name = "csa104SUI0", node = "n2", components = ["csa104CompI0"] },
  { name = "csa104SUI1", node = "n1", components = ["csa104CompI1"] },
]
instances = [{ name = "csa104SII", csis = ["csa104CSII"] }]
"#;

struct Demo<'a> {
    cluster: &'a Cluster,
    teller: Teller,
    /// csa103CompI0 on n1 and csa103CompI1 on n2.
    counters: [Log; 2],
    /// csa104CompI0 on n2 and csa104CompI1 on n1.
    talkers: [Log; 2],
    /// Which counter, in which process, was active: one after the other.
    actives: Vec<(usize, u32)>,
    take_overs: Vec<(String, Duration)>,
}

impl<'a> Demo<'a> {
    fn new(cluster: &'a Cluster, teller: Teller) -> Self {
        let log = |node, component| Log::new(&cluster.node_folder(node), component);
        Self {
            cluster,
            teller,
            counters: [log("n1", "csa103CompI0"), log("n2", "csa103CompI1")],
            talkers: [log("n2", "csa104CompI0"), log("n1", "csa104CompI1")],
            actives: Vec::new(),
            take_overs: Vec::new(),
        }
    }

    fn tell(&mut self) -> Result<Summary, Failure> {
        self.start()?;
        self.work()?;
        self.kill_the_actives()?;
        self.kill_the_node()?;
        self.bring_it_back()?;
        Ok(self.count())
    }

    fn start(&mut self) -> Result<(), Failure> {
        self.teller.phase("start", "three nodes, each a process of its own, over TCP");
        for node in &self.cluster.nodes {
            let pid = self.cluster.start(&node.name, Lifetime::Parent)?.pid();
            self.teller.event(&format!("{} is process {pid} at {}", node.name, node.address));
        }
        self.cluster.wait_formed(PATIENCE)?;
        self.teller.event("every node sees all three");
        Ok(())
    }

    fn work(&mut self) -> Result<(), Failure> {
        self.teller.phase(
            "work",
            "csa103 counts and saves its count; csa104 talks through a queue, here on two nodes \
             and with a retention time, so that the queue outlives its opener",
        );
        let at = self.cluster.endpoint("n1");
        ask::admin(&at, "csa103SGI0", AdminOperation::UnlockInstantiation)?;
        ask::admin(&at, "csa103SGI0", AdminOperation::Unlock)?;
        for _ in 0..3 {
            self.next_count(0)?;
        }
        self.next_received(0)?;
        self.next_received(0)?;
        Ok(())
    }

    fn kill_the_actives(&mut self) -> Result<(), Failure> {
        self.teller.phase("kill", "both active components, with kill -9");
        self.counters[0].skip();
        let old = self.next_count(0)?;
        let watch = self.kill("csa103CompI0 on n1", old.pid)?;
        self.took_over(1, "after the kill of the active", watch)?;
        self.next_count(1)?;
        self.standby(0)?;

        let old = self.next_received(0)?;
        self.kill("csa104CompI0 on n2", old.pid)?;
        let new = self.talkers[0].wait("a message in a new process", SOON, |line| {
            (received(&line.text).is_some() && line.pid != old.pid).then(|| line.clone())
        })?;
        self.teller.event(&format!("restarted in place as process {}: {}", new.pid, new.text));
        Ok(())
    }

    fn kill_the_node(&mut self) -> Result<(), Failure> {
        self.teller.phase("yank", "node n2, with kill -9: both active components are on it");
        self.talkers[0].skip();
        self.next_received(0)?;
        self.counters[1].skip();
        self.next_count(1)?;
        self.counters[0].skip();
        self.talkers[1].skip();
        let watch = Watch::start();
        self.cluster.kill("n2")?;
        self.teller.event("n2 is gone");
        self.took_over(0, "after the kill of the node", watch)?;
        self.next_count(0)?;
        self.next_received(1)?;
        Ok(())
    }

    fn bring_it_back(&mut self) -> Result<(), Failure> {
        self.teller.phase("heal", "n2 starts again, as a new incarnation with empty hands");
        self.counters[1].skip();
        self.talkers[0].skip();
        self.cluster.start("n2", Lifetime::Parent)?;
        self.cluster.wait_formed(PATIENCE)?;
        self.teller.event("every node sees all three");
        self.standby(1)?;
        self.talkers[0].wait("a message sent", SOON, |line| sending(&line.text))?;
        let mine = |line: &Line| received(&line.text).filter(|(_, from)| from == "csa104CompI0");
        let (number, from) = self.talkers[1].wait("a message of the new standby", SOON, mine)?;
        self.teller.event(&format!("csa104CompI1 on n1 has received Msg {number} from {from}"));
        self.counters[0].skip();
        self.next_count(0)?;
        Ok(())
    }

    fn count(&mut self) -> Summary {
        let mut found = Messages::default();
        // What is under way arrives meanwhile. What does not is lost, and counted.
        let _ = until("the last messages", SOON / 3, || {
            let [first, second] = &mut self.talkers;
            found = messages(&[first.lines(), second.lines()]);
            (found.lost == 0).then_some(())
        });
        let logs = &mut self.counters;
        let runs = self.actives.iter().filter_map(|(at, pid)| counted(logs[*at].lines(), *pid));
        let runs: Vec<Counted> = runs.collect();
        let take_overs = self.take_overs.iter();
        Summary {
            lost_updates: lost_updates(&runs),
            lost_messages: found.lost,
            repeated_messages: found.repeated,
            last_count: runs.iter().map(|run| run.last).max().unwrap_or(0),
            actives: runs.len(),
            messages_acknowledged: found.acknowledged,
            messages_received: found.received,
            take_overs_ms: take_overs.map(|(it, took)| (it.clone(), took.as_millis())).collect(),
        }
    }

    fn next_count(&mut self, at: usize) -> Result<Line, Overdue> {
        let line = self.counters[at]
            .wait("the next number", SOON, |line| hello(&line.text).map(|_| line.clone()))?;
        if self.actives.last() != Some(&(at, line.pid)) {
            self.actives.push((at, line.pid));
        }
        self.teller.event(&format!("{} (on {}, process {})", line.text, line.node, line.pid));
        Ok(line)
    }

    fn next_received(&mut self, at: usize) -> Result<Line, Overdue> {
        let line = self.talkers[at]
            .wait("the next message", SOON, |line| received(&line.text).map(|_| line.clone()))?;
        self.teller.event(&format!("csa104CompI{at}: {} (on {})", line.text, line.node));
        Ok(line)
    }

    fn standby(&mut self, at: usize) -> Result<(), Overdue> {
        let line = self.counters[at].wait("a standby", SOON, |line| {
            line.text.contains("Standby state requested").then(|| line.clone())
        })?;
        self.teller.event(&format!("csa103CompI{at} is standby, as process {}", line.pid));
        Ok(())
    }

    fn kill(&self, what: &str, pid: u32) -> Result<Watch, Failure> {
        let number = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let nobody = || Failure::Usage(format!("{pid} in the log of {what} is no process"));
        let number = number.ok_or_else(nobody)?;
        let watch = Watch::start();
        kill_process(number, Signal::KILL).map_err(|it| Failure::at(what)(it.into()))?;
        self.teller.event(&format!("{what}, process {pid}, was killed"));
        Ok(watch)
    }

    fn took_over(&mut self, at: usize, what: &str, watch: Watch) -> Result<(), Overdue> {
        let line = self.counters[at].wait("a new active", SOON, |line| {
            line.text.contains("Active state requested from state 2").then(|| line.clone())
        })?;
        let took = watch.elapsed();
        let ms = took.as_millis();
        self.teller.event(&format!("{ms} ms later: {} (on {})", line.text, line.node));
        self.take_overs.push((what.to_owned(), took));
        Ok(())
    }
}
