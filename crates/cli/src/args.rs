//! What can be said to `ais`.

use crate::{
    bench::{Bench, MemberPlace},
    dev::{Durability, Wire, Witness},
};
use clap::{Args, Parser, Subcommand};
use std::{ffi::OsString, path::PathBuf, time::Duration};

/// Look at a cluster and act on it.
#[derive(Debug, Parser)]
#[command(name = "ais", version, disable_help_subcommand = true)]
pub(crate) struct Ais {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Answer in JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// The folder of a development cluster.
    #[arg(long, global = true, value_name = "DIR", default_value = "ais-dev")]
    pub(crate) dir: PathBuf,
    /// Ask this node of the development cluster.
    #[arg(long, global = true, value_name = "NAME", conflicts_with = "socket")]
    pub(crate) node: Option<String>,
    /// Ask the node behind this socket. Default: AIS_SOCKET, then the development cluster.
    #[arg(long, global = true, value_name = "PATH")]
    pub(crate) socket: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show a cluster of three processes that loses a component and a node, and nothing else.
    Demo(Demo),
    /// Run a cluster of real processes in one folder.
    #[command(subcommand)]
    Dev(Dev),
    /// Certificates for the nodes of a cluster.
    #[command(subcommand)]
    Cert(Cert),
    /// Measure how fast this machine is, beside the raw limits. One figure a line.
    Bench(Bench),
    /// How the node is, and whom it sees.
    Status,
    /// Who votes, who may join, and what to do when a majority is lost.
    #[command(subcommand)]
    Cluster(Cluster),
    /// What is kept available.
    #[command(subcommand)]
    Amf(Amf),
    /// Checkpoints.
    #[command(subcommand)]
    Ckpt(Ckpt),
    /// Message queues.
    #[command(subcommand)]
    Msg(Msg),
    /// Membership.
    #[command(subcommand)]
    Clm(Clm),
    /// Supervised processes.
    #[command(subcommand)]
    Sam(Sam),
    /// Run a node: what `aisd` does.
    #[command(hide = true)]
    Node(aisd::Arguments),
    /// Answer so many bytes with the same, on the standard input, which is a socket.
    #[command(hide = true)]
    Echo {
        /// How many.
        bytes: usize,
    },
    /// Be a member of a group that is measured.
    #[command(hide = true)]
    BenchMember(MemberPlace),
    /// Run a tutorial: what its own program does.
    #[command(hide = true)]
    Example {
        /// Which.
        name: String,
        /// Ignored: the originals had some.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Keep the nodes' files here, and do not remove them. Default: a temporary folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) keep: Option<PathBuf>,
    /// How the nodes reach each other.
    #[arg(long, value_enum, default_value = "tcp")]
    pub(crate) transport: Wire,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Cert {
    /// Make the cluster's certificate authority: DIR/ca.pem and DIR/ca.key.
    Init(CertInit),
    /// Make the certificate of a node: DIR/NAME.pem and DIR/NAME.key.
    Node {
        /// The node's name in the configuration.
        name: String,
        #[command(flatten)]
        common: CertInit,
    },
}

#[derive(Debug, Args)]
pub(crate) struct CertInit {
    /// Where the cluster's certificates and keys are kept. The authority's key need not be on any
    /// node.
    #[arg(long, value_name = "DIR", default_value = "ais-certs")]
    pub(crate) certs: PathBuf,
    /// How long the certificate is good.
    #[arg(long, value_name = "DAYS", default_value_t = 3650, value_parser = clap::value_parser!(u32).range(1..=36500))]
    pub(crate) days: u32,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Dev {
    /// Start a cluster, or all nodes of one that was started before.
    Up {
        /// How many nodes host services.
        #[arg(long, default_value_t = 3)]
        nodes: usize,
        /// What they are called. Default: n1, n2 and so on.
        #[arg(long, value_delimiter = ',', value_name = "NAME,…")]
        names: Vec<String>,
        /// A node more that only votes.
        #[arg(long, value_enum, default_value = "auto")]
        witness: Witness,
        /// How they reach each other.
        #[arg(long, value_enum, default_value = "tcp")]
        transport: Wire,
        /// What becomes of the group's log.
        #[arg(long, value_enum, default_value = "memory")]
        durability: Durability,
        /// Make an authority and certificates, so that links are encrypted.
        #[arg(long)]
        certs: bool,
        /// The AMF model: what to keep available.
        #[arg(long, value_name = "FILE")]
        model: Option<PathBuf>,
        /// A node not heard of for so long is lost.
        #[arg(long, value_name = "MS", default_value_t = 500)]
        failure_timeout_ms: u64,
        /// What nodes log.
        #[arg(long, default_value = "info")]
        log: String,
    },
    /// Kill a node with `kill -9`.
    Kill {
        /// Which.
        #[arg(id = "which", value_name = "NODE")]
        node: String,
    },
    /// Let a node leave.
    Stop {
        /// Which.
        #[arg(id = "which", value_name = "NODE")]
        node: String,
    },
    /// Start a node that was killed or stopped.
    Start {
        /// Which.
        #[arg(id = "which", value_name = "NODE")]
        node: String,
    },
    /// Pull a node's cable: nothing arrives, nothing leaves, nobody is told. Until it is healed, or
    /// the node's process ends.
    Cut(Cut),
    /// Let nothing that a node says arrive; it still hears the others.
    CutOneWay(Cut),
    /// Make a node's links slow.
    Slow {
        #[command(flatten)]
        cut: Cut,
        /// By how much at least everything takes longer, each way.
        #[arg(long, value_name = "MS", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=2000))]
        ms: u32,
    },
    /// Take back what cut, cut-one-way and slow have done.
    Heal(Cut),
    /// End all nodes.
    Down,
}

#[derive(Debug, Args)]
pub(crate) struct Cut {
    /// Which.
    #[arg(id = "which", value_name = "NODE")]
    pub(crate) node: String,
    /// Only from this node. Default: from all others.
    #[arg(long, value_name = "NODE")]
    pub(crate) from: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Cluster {
    /// Who votes, and who may be a member.
    Show,
    /// Print a token with which a new node joins: `aisd --join ADDRESS --token TOKEN --listen ADDRESS`.
    Token {
        /// The number of the new node. Default: the next free one.
        #[arg(long, value_name = "NUMBER")]
        id: Option<u32>,
        /// For how many seconds it is good.
        #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
        valid: u32,
    },
    /// Change who votes.
    #[command(subcommand)]
    Voters(Voters),
    /// Let this node go on alone: the majority of the voters is lost for good.
    Reform {
        /// The others do not run, and what they alone have acknowledged may be lost.
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Voters {
    /// A member votes from now on.
    Add {
        /// Its name.
        name: String,
    },
    /// A node does not vote any more.
    Remove {
        /// Its name.
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Amf {
    /// Every group, unit, component and instance.
    State,
    /// Take assignments away from a unit, a group or an instance.
    Lock(Object),
    /// Allow assignments.
    Unlock(Object),
    /// End what is locked.
    LockInstantiation(Object),
    /// Start what was ended, locked.
    UnlockInstantiation(Object),
    /// Lock when nobody is served any more.
    Shutdown(Object),
    /// A unit that failed has been mended.
    Repaired(Object),
    /// Why an object is as it is.
    Explain(Object),
}

#[derive(Debug, Args)]
pub(crate) struct Object {
    /// Its name in the model.
    pub(crate) object: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Ckpt {
    /// Every checkpoint, and where its replicas are.
    List,
    /// All about a checkpoint.
    Show {
        /// Its name.
        name: String,
    },
    /// Where its replicas are, and how they keep up.
    Replicas {
        /// Its name.
        name: String,
        /// Tell whenever something has moved, until every replica has everything.
        #[arg(long)]
        wait: bool,
    },
    /// Its sections. As any program's open it gives a collocated checkpoint a replica on this node.
    Sections {
        /// Its name.
        name: String,
    },
    /// The content of a section, to standard output.
    Read {
        /// The checkpoint's name.
        name: String,
        /// The section's id: text, `0x…` for octets, `-` for the default section.
        #[arg(allow_hyphen_values = true)]
        section: String,
    },
    /// Give a section this content; it is created if it is not there.
    Write {
        /// The checkpoint's name.
        name: String,
        /// The section's id: text, `0x…` for octets, `-` for the default section.
        #[arg(allow_hyphen_values = true)]
        section: String,
        /// The content. Default: standard input.
        data: Option<String>,
    },
    /// Free its name; it goes with its last user.
    Unlink {
        /// Its name.
        name: String,
    },
    /// Tell what is changed in a checkpoint; without one, what the service notifies.
    Watch {
        /// Its name.
        name: Option<String>,
        /// From here on, as an earlier watch has told.
        #[arg(long, value_name = "POSITION", requires = "name")]
        from: Option<ais_types::Position>,
    },
    /// What the checkpoint service of this node has done, and what it holds.
    Counters,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Clm {
    /// The nodes of the cluster, members or not.
    Nodes,
    /// The membership, and each change of it as it happens.
    Watch,
    /// Let a node be a member; calls off a shutdown.
    Unlock(ClmNode),
    /// Take a node out; who wants to prepare for that is waited for, but not for ever.
    Lock(ClmNode),
    /// Take a node out as soon as all are ready for that.
    Shutdown(ClmNode),
    /// Take a node out until its daemon starts again, unless a program objects.
    Remove {
        /// Its name, or its DN.
        #[arg(id = "which", value_name = "NODE")]
        node: String,
        /// What the members are told as the cause.
        #[arg(long, value_name = "NAME", default_value = "operator")]
        cause: String,
    },
    /// Add a node to the configuration.
    Create(ClmNode),
    /// Take a node that is locked out of the configuration.
    Delete(ClmNode),
    /// Change how a node is configured.
    Set {
        /// Its name, or its DN.
        #[arg(id = "which", value_name = "NODE")]
        node: String,
        /// How long a lock of it waits for who wants to prepare.
        #[arg(long, value_name = "MS")]
        lock_callback_timeout_ms: Option<u32>,
        /// The execution environment that hosts it.
        #[arg(long, value_name = "DN")]
        execution_environment: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ClmNode {
    /// Its name, or its DN.
    #[arg(id = "which", value_name = "NODE")]
    pub(crate) node: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Msg {
    /// Every queue, who receives from it, and where its messages are.
    List,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Sam {
    /// Supervise a program by its end and, if it knows SAM, by its health checks.
    Run(SamRun),
    /// What supervised processes have published at the node.
    List,
    /// What one of them has published.
    Show {
        /// The process number of its supervisor.
        pid: u32,
    },
    /// Remove what a supervisor that is gone has left behind.
    Forget {
        /// Its process number.
        pid: u32,
    },
}

#[derive(Debug, Args)]
pub(crate) struct SamRun {
    /// A program that makes health checks is warned after so long a silence, and killed after as long
    /// again. Default: what the program itself asks for.
    #[arg(long, value_name = "TIME", value_parser = crate::sam::duration)]
    pub(crate) interval: Option<Duration>,
    /// Start it anew whenever it ends (default).
    #[arg(long)]
    pub(crate) restart: bool,
    /// End when it ends.
    #[arg(long, conflicts_with = "restart")]
    pub(crate) quit: bool,
    /// Let it begin when there is quorum, and end it without.
    #[arg(long)]
    pub(crate) quorum: bool,
    /// Publish its state at the node.
    #[arg(long)]
    pub(crate) publish: bool,
    /// An end with status 0 is no failure.
    #[arg(long)]
    pub(crate) until_success: bool,
    /// Give up at the failure after so many restarts…
    #[arg(long, value_name = "COUNT")]
    pub(crate) restarts: Option<u32>,
    /// …in this time.
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = crate::sam::duration)]
    pub(crate) within: Duration,
    /// Wait so long before the first restart, twice as long before the next, and no longer than 30 s.
    #[arg(long, value_name = "TIME", value_parser = crate::sam::duration)]
    pub(crate) back_off: Option<Duration>,
    /// The signal that warns: its name or its number.
    #[arg(long, value_name = "SIGNAL", default_value = "TERM", value_parser = crate::sam::signal)]
    pub(crate) warn_signal: i32,
    /// The program and its arguments.
    #[arg(required = true, trailing_var_arg = true)]
    pub(crate) program: Vec<OsString>,
}
