//! The keeper as the node's launcher.

use crate::keeper::{Attached, End, Notice, Request, Task};
use ais_client::SOCKET_VARIABLE;
use ais_node::{LaunchNotice, LaunchRequest, Launcher};
use ais_service::{Exit, Run, Spawn, Wait};
use async_trait::async_trait;
use std::{
    path::{Path, PathBuf},
    time::Instant,
};

/// The variable that tells a component its name (`SAI-AIS-AMF-B.04.01 §4.2`).
const COMPONENT_VARIABLE: &str = "SA_AMF_COMPONENT_NAME";

/// The variable that tells a component the name of its node.
pub const NODE_VARIABLE: &str = "AIS_NODE";

/// Has the node's processes started and killed by its keeper.
#[derive(Debug)]
pub struct KeeperLauncher {
    /// `None` once it is gone.
    keeper: Option<Attached>,
    /// Where components run.
    folder: PathBuf,
    /// What every component finds in its environment.
    environment: Vec<(String, String)>,
    /// Whether the node holds a lease, as far as it was told.
    leased: bool,
    /// What is to be started as soon as it does: the order to start something may be delivered
    /// before the first lease. No more than AMF has decided and not seen done.
    held: Vec<Request>,
}

impl KeeperLauncher {
    /// For a node of this name whose programs connect to `socket`: its components run in `folder`,
    /// and what they print is kept in `var/log` below it.
    #[must_use]
    pub fn new(keeper: Attached, node: &str, socket: &Path, folder: &Path) -> Self {
        let socket = socket.display().to_string();
        let variables = [(SOCKET_VARIABLE, socket), (NODE_VARIABLE, node.to_owned())];
        Self {
            keeper: Some(keeper),
            folder: folder.to_owned(),
            environment: variables.map(|(name, value)| (name.to_owned(), value)).into(),
            leased: false,
            held: Vec::new(),
        }
    }

    fn tell(&mut self, request: &Request) {
        let Some(keeper) = &mut self.keeper else { return };
        if let Err(error) = keeper.request(request) {
            self.lost(&error);
        }
    }

    fn lost(&mut self, error: &std::io::Error) {
        tracing::error!(%error, "the keeper is gone, and every component with it");
        self.keeper = None;
    }

    fn task(&self, command: Vec<String>, own: Vec<(String, String)>) -> Task {
        let component = own.iter().find(|(name, _)| name == COMPONENT_VARIABLE);
        let program = || Path::new(command.first()?).file_name()?.to_str();
        let name = component.map(|(_, name)| name.as_str()).or_else(program).unwrap_or("component");
        let output = self.folder.join("var/log").join(format!("{}.out", file_name(name)));
        Task {
            command,
            environment: self.environment.iter().cloned().chain(own).collect(),
            folder: self.folder.display().to_string(),
            output: output.display().to_string(),
        }
    }
}

/// A component's name may be anything; a file's may not.
fn file_name(name: &str) -> String {
    let legal = |it: char| it.is_alphanumeric() || ",=._-".contains(it);
    let name: String = name.chars().map(|it| if legal(it) { it } else { '_' }).take(80).collect();
    if name.starts_with('.') { format!("_{name}") } else { name }
}

#[async_trait]
impl Launcher for KeeperLauncher {
    fn request(&mut self, request: LaunchRequest) {
        let request = match request {
            LaunchRequest::Spawn { id, spawn: Spawn { command, environment } } => {
                Request::Spawn { id, task: self.task(command, environment) }
            }
            LaunchRequest::Run { id, run: Run { command, environment, timeout, wait } } => {
                Request::Run {
                    id,
                    task: self.task(command, environment),
                    timeout_ms: u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX),
                    kill_rest: match wait {
                        Wait::Command => false,
                        Wait::Everything => true,
                    },
                }
            }
            LaunchRequest::Kill { id } => return self.tell(&Request::Kill { id }),
        };
        if self.leased {
            self.tell(&request);
        } else {
            self.held.push(request);
        }
    }

    fn lease(&mut self, until: Option<Instant>) {
        let Some(keeper) = &mut self.keeper else { return };
        if let Err(error) = keeper.lease(until) {
            return self.lost(&error);
        }
        self.leased = until.is_some();
        if self.leased {
            std::mem::take(&mut self.held).iter().for_each(|request| self.tell(request));
        }
    }

    fn end(&mut self) {
        self.leased = false;
        self.held.clear();
        self.tell(&Request::End);
    }

    async fn next(&mut self) -> Option<LaunchNotice> {
        match self.keeper.as_mut()?.next().await {
            Ok(Some(notice)) => Some(told(notice)),
            Ok(None) => {
                self.keeper = None;
                None
            }
            Err(error) => {
                self.lost(&error);
                None
            }
        }
    }
}

fn told(notice: Notice) -> LaunchNotice {
    match notice {
        Notice::Started { id, pid } => LaunchNotice::Started { id, pid },
        Notice::Failed { id, reason } => LaunchNotice::Failed { id, reason },
        Notice::Ended { id, end } => LaunchNotice::Ended {
            id,
            exit: match end {
                End::Code(code) => Exit::Code(code),
                End::Signal(signal) => Exit::Signal(signal),
                End::TimedOut => Exit::TimedOut,
            },
        },
        Notice::Gone { id } => LaunchNotice::Gone { id },
        Notice::Nobody => LaunchNotice::Nobody,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_component_names_a_file_elsewhere() {
        assert_eq!(file_name("safComp=a,safSu=b"), "safComp=a,safSu=b");
        assert_eq!(file_name("../../etc/passwd"), "_.._.._etc_passwd");
        assert_eq!(file_name(&"x".repeat(300)).len(), 80);
    }
}
