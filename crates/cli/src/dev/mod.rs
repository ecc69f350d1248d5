//! A cluster of real processes in one folder, for development, demonstrations and tests.
//!
//! ```text
//! DIR/cluster.json           who is in it
//! DIR/certs/                 its certificates, if it has any
//! DIR/amf.toml               what it keeps available, if anything
//! DIR/<node>/bin/            the tutorials, as models name them
//! DIR/<node>/node.toml       its configuration
//! DIR/<node>/node.pid        its process
//! DIR/<node>/node.log        what it logs
//! DIR/<node>/run/ais.sock    where programs reach it
//! DIR/<node>/var/log/        what its components write
//! ```

mod plan;
mod process;

pub use plan::{Durability, Plan, Wire, Witness};
pub use process::NodeProcess;

use crate::{
    Failure, cert,
    wait::{Overdue, until},
};
use ais_client::{Endpoint, Node as NodeHandle, Session};
use ais_types::{
    Error, ErrorCode, NodeId, Role,
    node::{Fault, Status},
};
use plan::{amf_file, configuration};
use rustix::process::Signal;
use serde::{Deserialize, Serialize};
use std::{
    env, fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

/// How long a node may take to start, to stop, or to find the others.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// How long the certificates of a development cluster are good.
const CERT_DAYS: u32 = 365;

/// A cluster in a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// Its folder; absolute.
    #[serde(skip)]
    pub folder: PathBuf,
    /// Its name.
    pub name: String,
    /// This program, which contains the daemon and the tutorials.
    pub program: PathBuf,
    /// Its nodes, the witness last.
    pub nodes: Vec<Node>,
}

/// A node of a cluster in a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its number.
    pub id: NodeId,
    /// Its name.
    pub name: String,
    /// What it is to the group.
    pub role: Role,
    /// Where its peers reach it.
    pub address: SocketAddr,
}

/// How long a node's process lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// Until it is stopped.
    Own,
    /// Not longer than the thread that started it.
    Parent,
}

impl Cluster {
    /// Writes the files of a new cluster. Nothing runs yet.
    ///
    /// # Errors
    /// When there is one already, or a file cannot be written.
    pub fn create(folder: &Path, plan: &Plan) -> Result<Self, Failure> {
        fs::create_dir_all(folder).map_err(Failure::at(folder))?;
        let folder = fs::canonicalize(folder).map_err(Failure::at(folder))?;
        let list = folder.join("cluster.json");
        if list.exists() {
            return Err(Failure::Usage(format!(
                "{} is a cluster already: end it with `ais dev down`, or choose another --dir",
                folder.display()
            )));
        }
        let program = match &plan.program {
            Some(program) => program.clone(),
            None => env::current_exe().map_err(Failure::at("the path of this program"))?,
        };
        let cluster = Self { name: plan.name.clone(), program, nodes: plan.nodes()?, folder };
        if let Some(model) = &plan.model {
            write(&amf_file(&cluster.folder), model)?;
        }
        if plan.certs {
            cluster.certify()?;
        }
        for node in &cluster.nodes {
            let folder = cluster.node_folder(&node.name);
            fs::create_dir_all(folder.join("run")).map_err(Failure::at(&folder))?;
            // Of a cluster that was here before; it is not this one.
            let data = folder.join("data");
            if data.exists() {
                fs::remove_dir_all(&data).map_err(Failure::at(&data))?;
            }
            write(&cluster.configuration(&node.name), &configuration(&cluster, node, plan))?;
            write_tutorials(&folder.join("bin"), &cluster.program)?;
        }
        let text = serde_json::to_string_pretty(&cluster).expect("plain data");
        write(&list, &text)?;
        Ok(cluster)
    }

    /// Makes the cluster's authority and a certificate for each node.
    fn certify(&self) -> Result<(), Failure> {
        let certs = self.certs();
        // Of a cluster that was here before; its nodes are not this one's.
        if certs.exists() {
            fs::remove_dir_all(&certs).map_err(Failure::at(&certs))?;
        }
        cert::init(&certs, CERT_DAYS)?;
        self.nodes.iter().try_for_each(|node| cert::node(&certs, &node.name, CERT_DAYS).map(drop))
    }

    /// Where the certificates are, if its nodes have any.
    #[must_use]
    pub fn certs(&self) -> PathBuf {
        self.folder.join("certs")
    }

    /// The cluster in this folder.
    ///
    /// # Errors
    /// When there is none.
    pub fn open(folder: &Path) -> Result<Self, Failure> {
        let list = folder.join("cluster.json");
        let absent = |error| {
            Failure::Usage(format!(
                "{}: {error}; start a cluster with `ais dev up`, or say where it is with --dir",
                list.display()
            ))
        };
        let text = fs::read_to_string(&list).map_err(|error| absent(error.to_string()))?;
        let cluster: Self =
            serde_json::from_str(&text).map_err(|error| absent(error.to_string()))?;
        let folder = fs::canonicalize(folder).map_err(Failure::at(folder))?;
        Ok(Self { folder, ..cluster })
    }

    /// The node of this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn node(&self, name: &str) -> Result<&Node, Failure> {
        self.nodes.iter().find(|node| node.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.nodes.iter().map(|node| node.name.as_str()).collect();
            Failure::Usage(format!("there is no node {name:?}; use one of {}", names.join(", ")))
        })
    }

    /// The folder of a node.
    #[must_use]
    pub fn node_folder(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn configuration(&self, name: &str) -> PathBuf {
        self.node_folder(name).join("node.toml")
    }

    /// The file of the AMF model.
    #[must_use]
    pub fn model_file(&self) -> PathBuf {
        amf_file(&self.folder)
    }

    /// Where programs reach a node.
    #[must_use]
    pub fn endpoint(&self, name: &str) -> Endpoint {
        Endpoint::Path(self.node_folder(name).join("run/ais.sock"))
    }

    /// Starts a node's process. It has not joined the others when this returns.
    ///
    /// # Errors
    /// When it runs already, or cannot be started.
    pub fn start(&self, name: &str, lifetime: Lifetime) -> Result<NodeProcess, Failure> {
        self.node(name)?;
        if let Some(process) = self.process(name) {
            let text = format!("node {name} runs already, as process {}", process.pid());
            return Err(Failure::Usage(text));
        }
        NodeProcess::start(&self.program, &self.node_folder(name), lifetime)
    }

    /// Waits until a node that was started answers.
    ///
    /// # Errors
    /// When it ends instead, with what it said last, or takes too long.
    pub fn wait_up(&self, name: &str, process: &NodeProcess) -> Result<(), Failure> {
        until(format!("an answer of node {name}"), PATIENCE, || {
            match process.ends_within(Duration::ZERO) {
                Ok(true) => Some(Err(self.ended(name))),
                Ok(false) => self.status(name).map(|_| Ok(())),
                Err(error) => Some(Err(error)),
            }
        })?
    }

    fn ended(&self, name: &str) -> Failure {
        let log = self.node_folder(name).join("node.log");
        let text = fs::read_to_string(&log).unwrap_or_default();
        // What begins with a blank is the picture of the line above.
        let whole = |line: &&str| !line.is_empty() && !line.starts_with(char::is_whitespace);
        let said = text.lines().rev().find(whole);
        let last = said.unwrap_or("it has said nothing").trim().to_owned();
        Failure::Ended { node: name.to_owned(), last, log }
    }

    /// The running process of a node.
    #[must_use]
    pub fn process(&self, name: &str) -> Option<NodeProcess> {
        NodeProcess::running(&self.node_folder(name))
    }

    /// `kill -9`; returns when it is gone.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill(&self, name: &str) -> Result<(), Failure> {
        self.end(name, Signal::KILL)
    }

    /// Lets a node leave the cluster; returns when it is gone.
    ///
    /// # Errors
    /// When it does not run, or does not stop.
    pub fn stop(&self, name: &str) -> Result<(), Failure> {
        self.end(name, Signal::TERM)
    }

    fn end(&self, name: &str, signal: Signal) -> Result<(), Failure> {
        self.node(name)?;
        let Some(process) = self.process(name) else {
            return Err(Failure::Usage(format!("node {name} does not run")));
        };
        process.signal(signal)?;
        process.wait_gone(PATIENCE)
    }

    /// Says to a node what is wrong from now on between it and another, or all others.
    ///
    /// # Errors
    /// When it does not run, or has no fault switch.
    pub fn set_fault(
        &self,
        name: &str,
        with: Option<&str>,
        fault: Option<Fault>,
    ) -> Result<(), Failure> {
        self.node(name)?;
        let peer = with.map(|it| self.node(it)).transpose()?.map(|it| it.id);
        // One that finds itself ordered out begins anew, and answers again in a moment.
        let begins =
            |error: &Error| error.code == ErrorCode::TryAgain && self.process(name).is_some();
        let node = until(format!("an answer of node {name}"), PATIENCE, || {
            let opened = NodeHandle::<Session>::open(&self.endpoint(name), "ais");
            if opened.as_ref().is_err_and(begins) { None } else { Some(opened) }
        })??;
        Ok(node.set_fault(peer, fault)?)
    }

    /// Ends every node and forgets the cluster; its logs stay.
    ///
    /// # Errors
    /// When a process cannot be ended.
    pub fn down(&self) -> Result<(), Failure> {
        for node in &self.nodes {
            if let Some(process) = self.process(&node.name) {
                process.signal(Signal::KILL)?;
                process.wait_gone(PATIENCE)?;
            }
        }
        let list = self.folder.join("cluster.json");
        fs::remove_file(&list).map_err(Failure::at(list))
    }

    /// How a node is; `None` while it does not answer.
    #[must_use]
    pub fn status(&self, name: &str) -> Option<Status> {
        let node = NodeHandle::<Session>::open(&self.endpoint(name), "ais").ok()?;
        node.status().ok()
    }

    /// Waits until every running node may act and sees every running node, and no other.
    ///
    /// # Errors
    /// When that takes too long; the text says what each node sees instead.
    pub fn wait_formed(&self, patience: Duration) -> Result<(), Overdue> {
        let running = |node: &&Node| self.process(&node.name).is_some();
        let nodes: Vec<&Node> = self.nodes.iter().filter(running).collect();
        let mut up: Vec<NodeId> = nodes.iter().map(|node| node.id).collect();
        up.sort();
        let mut last = String::new();
        let formed = until("", patience, || {
            let seen = nodes.iter().map(|node| {
                let Some(status) = self.status(&node.name) else {
                    let ended = self.process(&node.name).is_none();
                    let text = if ended { "has ended" } else { "does not answer" };
                    return Err(format!("{} {text}", node.name));
                };
                let members: Vec<NodeId> =
                    status.view.members.iter().map(|it| it.id.node).collect();
                let text = format!("{}: lease {}, sees {members:?}", node.name, status.lease);
                if status.lease && members == up { Ok(()) } else { Err(text) }
            });
            let failed: Vec<String> = seen.filter_map(Result::err).collect();
            last = failed.join("; ");
            failed.is_empty().then_some(())
        });
        formed.map_err(|overdue| {
            let what = format!("the forming of {} from {up:?} ({last})", self.name);
            Overdue { what, ..overdue }
        })
    }
}

/// Models name programs by their path below the node's folder.
fn write_tutorials(folder: &Path, program: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(Failure::at(folder))?;
    for tutorial in ["csa103", "csa104"] {
        let path = folder.join(tutorial);
        let quoted = program.display().to_string().replace('\'', "'\\''");
        write(&path, &format!("#!/bin/sh\nexec '{quoted}' example {tutorial} \"$@\"\n"))?;
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(&path, executable).map_err(Failure::at(&path))?;
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(Failure::at(path))
}
