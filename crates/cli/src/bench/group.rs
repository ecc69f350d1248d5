//! What services stand on: the transport alone, and the order of a group, between processes that do
//! nothing else.

use super::{
    echo::bytes,
    measure::Sample,
    member::{Said, Wish},
    site::Seats,
};
use crate::{Failure, dev::Wire};
use ais_transport::free_loopback;
use std::{
    io::{BufRead, BufReader, Lines, Write},
    process::{Child, ChildStdin, ChildStdout, Stdio},
};

/// Below those that the system gives to whoever asks for any.
const PORT: u16 = 7001;

/// One outstanding.
const SMALL: usize = 64;
/// Many outstanding.
const LARGE: usize = 1024;
const LANES: u32 = 64;

/// Members of one group, each a process.
pub(super) struct Members {
    all: Vec<Member>,
    leader: usize,
    wire: Wire,
}

impl Members {
    /// Starts so many, and waits until they are one group.
    pub(super) fn start(seats: &Seats, count: u8, wire: Wire) -> Result<Self, Failure> {
        let ports = PORT..PORT + u16::from(count);
        let ip = free_loopback(ports.start..=ports.end).map_err(Failure::at("the members"))?;
        let addresses: Vec<String> = ports.map(|port| format!("{ip}:{port}")).collect();
        let start = |node| Member::start(seats, node, wire, &addresses);
        let mut all = (1..=count).map(start).collect::<Result<Vec<_>, _>>()?;
        let mut leader = 0;
        for (at, member) in all.iter_mut().enumerate() {
            match member.hear()? {
                Said::Formed { leads: true } => leader = at,
                Said::Formed { leads: false } => {}
                Said::Measured(_) => return Err(member.lost()),
            }
        }
        Ok(Self { all, leader, wire })
    }

    /// Frames to another process and back.
    pub(super) fn transport(
        &mut self,
        count: u32,
        tell: &mut impl FnMut(Sample),
    ) -> Result<(), Failure> {
        for size in [SMALL, LARGE] {
            let mut sample = self.all[0].ask(&Wish::PingPong { size, count })?;
            sample.name = format!("{:?} transport {}", self.wire, bytes(size)).to_lowercase();
            tell(sample);
        }
        Ok(())
    }

    /// From a multicast to its own delivery.
    pub(super) fn order(
        &mut self,
        count: u32,
        tell: &mut impl FnMut(Sample),
    ) -> Result<(), Failure> {
        let nodes = self.all.len();
        let other = (self.leader + 1) % nodes;
        let mut whose = vec![(self.leader, "the leader")];
        if other != self.leader {
            whose.push((other, "another member"));
        }
        for (at, whose) in whose {
            let label = |what: String| format!("group order {nodes} node(s), {what}, from {whose}");
            let mut sample = self.all[at].ask(&Wish::Order { size: SMALL, lanes: 1, count })?;
            sample.name = label(bytes(SMALL));
            tell(sample);
            let many = Wish::Order { size: LARGE, lanes: LANES, count: count * 10 };
            let mut sample = self.all[at].ask(&many)?;
            sample.name = label(format!("{}, {LANES} outstanding", bytes(LARGE)));
            tell(sample);
        }
        Ok(())
    }
}

struct Member {
    child: Child,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Member {
    fn start(seats: &Seats, node: u8, wire: Wire, addresses: &[String]) -> Result<Self, Failure> {
        let mut child = seats.spawn(|it| {
            it.args(["bench-member", &node.to_string()]).args(addresses);
            if wire == Wire::Udp {
                it.arg("--udp");
            }
            it.stdin(Stdio::piped()).stdout(Stdio::piped());
        })?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let input = input.expect("it was asked for");
        let lines = BufReader::new(output.expect("it was asked for")).lines();
        Ok(Self { child, input, lines })
    }

    fn ask(&mut self, wish: &Wish) -> Result<Sample, Failure> {
        let wish = serde_json::to_string(wish).expect("it is plain");
        writeln!(self.input, "{wish}").map_err(|_| self.lost())?;
        match self.hear()? {
            Said::Measured(sample) => Ok(sample),
            Said::Formed { .. } => Err(self.lost()),
        }
    }

    fn hear(&mut self) -> Result<Said, Failure> {
        let line = self.lines.next().and_then(Result::ok);
        line.and_then(|it| serde_json::from_str(&it).ok()).ok_or_else(|| self.lost())
    }

    fn lost(&self) -> Failure {
        let process = self.child.id();
        Failure::Usage(format!(
            "a member of the measured group has ended, or says nonsense: process {process}"
        ))
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
