//! What services stand on: the transport alone, and the order of a group, between processes that do
//! nothing else.

use super::{
    echo::bytes,
    measure::Sample,
    member::{Said, Wish},
    site::Seats,
};
use crate::{Failure, dev::Wire};
use std::{
    io::{BufRead, BufReader, Lines, Write},
    net::{SocketAddr, TcpListener, UdpSocket},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

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
    pub(super) fn start(
        program: &Path,
        seats: Seats,
        count: usize,
        wire: Wire,
    ) -> Result<Self, Failure> {
        let ports: Result<Vec<u16>, Failure> = (0..count).map(|_| free_port(wire)).collect();
        let ports: Vec<String> = ports?.iter().map(u16::to_string).collect();
        let start = |node| Member::start(program, node, wire, &ports);
        let mut all = seats.start(|| (1..=count).map(start).collect::<Result<Vec<_>, _>>())?;
        let mut leader = 0;
        for (at, member) in all.iter_mut().enumerate() {
            match member.hear()? {
                Said::Formed { leads: true } => leader = at,
                Said::Formed { leads: false } => {}
                Said::Measured(_) => return Err(member.nonsense()),
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
    program: PathBuf,
}

impl Member {
    fn start(program: &Path, node: usize, wire: Wire, ports: &[String]) -> Result<Self, Failure> {
        let mut command = Command::new(program);
        command.args(["bench-member", &node.to_string()]).args(ports);
        if wire == Wire::Udp {
            command.arg("--udp");
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(Failure::at(program))?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let input = input.expect("it was asked for");
        let lines = BufReader::new(output.expect("it was asked for")).lines();
        Ok(Self { child, input, lines, program: program.to_owned() })
    }

    fn ask(&mut self, wish: &Wish) -> Result<Sample, Failure> {
        let wish = serde_json::to_string(wish).expect("it is plain");
        writeln!(self.input, "{wish}").map_err(Failure::at(&self.program))?;
        match self.hear()? {
            Said::Measured(sample) => Ok(sample),
            Said::Formed { .. } => Err(self.nonsense()),
        }
    }

    fn hear(&mut self) -> Result<Said, Failure> {
        let line = self.lines.next().transpose().map_err(Failure::at(&self.program))?;
        line.and_then(|it| serde_json::from_str(&it).ok()).ok_or_else(|| self.nonsense())
    }

    fn nonsense(&self) -> Failure {
        Failure::Usage(format!("member {} of the measured group has ended", self.child.id()))
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port(wire: Wire) -> Result<u16, Failure> {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let address = match wire {
        Wire::Tcp => TcpListener::bind(any).and_then(|it| it.local_addr()),
        Wire::Udp => UdpSocket::bind(any).and_then(|it| it.local_addr()),
    };
    Ok(address.map_err(Failure::at("a free port"))?.port())
}
