//! What can be said to `ais`.

use crate::dev::Witness;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

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
    /// How the node is, and whom it sees.
    Status,
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
    /// Run a node: what `aisd` does.
    #[command(hide = true)]
    Node(aisd::Arguments),
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
        node: String,
    },
    /// Let a node leave.
    Stop {
        /// Which.
        node: String,
    },
    /// Start a node that was killed or stopped.
    Start {
        /// Which.
        node: String,
    },
    /// End all nodes.
    Down,
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
    pub(crate) node: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Msg {
    /// Every queue, who receives from it, and where its messages are.
    List,
}
