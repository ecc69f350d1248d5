//! Components that AMF starts. Their command becomes this program in a role of its own: it says who
//! it is to whoever runs the scenario, and then does what the scenario says.

use super::{
    clock, helper,
    protocol::{self, HELLO, Incoming},
    remote::{Body, Remote},
};
use ais_client::{COMPONENT_VARIABLE, Endpoint};
use ais_conformance_core::Trouble;
use ais_types::Name;
use ais_wire::{Frame, decode_bytes, encode_bytes};
use aisd::NODE_VARIABLE;
use rustix::{
    net::sockopt::socket_peercred,
    process::{PidfdFlags, pidfd_open},
};
use serde::{Deserialize, Serialize};
use std::{
    env, io,
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    time::Duration,
};

/// The hidden argument by which the program becomes a component; the socket of whoever runs the
/// scenario follows it.
pub(crate) const COMPONENT: &str = "component";

/// How a model in a scenario names the command of a component.
const PLACEHOLDER: &str = "[\"component\"";

/// How long a component that has connected may take to say who it is.
const INTRODUCTION: Duration = Duration::from_secs(10);

/// What a component says first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Hello {
    component: String,
    node: String,
}

/// The scenario's model, with components that connect to this socket.
pub(super) fn model_text(model: &str, program: &Path, socket: &Path) -> Result<String, Trouble> {
    if !model.contains(PLACEHOLDER) {
        let text = format!("the model has no component with command = {PLACEHOLDER}]");
        return Err(Trouble::Broken(text));
    }
    let command = format!("[{program:?}, {COMPONENT:?}, {socket:?}");
    Ok(model.replace(PLACEHOLDER, &command))
}

/// Where components of a scenario arrive.
pub(super) struct Components {
    socket: PathBuf,
    listener: UnixListener,
    /// Those the scenario has no name for yet, in the order in which they came.
    unclaimed: Vec<Arrived>,
}

/// A component that has arrived.
pub(super) struct Arrived {
    pub(super) component: String,
    /// The node that started it.
    pub(super) node: String,
    pub(super) remote: Remote,
}

impl Components {
    pub(super) fn listen(folder: &Path) -> io::Result<Self> {
        let socket = folder.join("components.sock");
        let listener = UnixListener::bind(&socket)?;
        listener.set_nonblocking(true)?;
        Ok(Self { socket, listener, unclaimed: Vec::new() })
    }

    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Waits for the latest process of a component that lives and has no name yet.
    pub(super) fn claim(&mut self, component: &str, patience: Duration) -> Option<Arrived> {
        let mut found = None;
        clock::until(patience, || {
            self.accept();
            self.unclaimed.retain(|it| !it.remote.has_ended());
            found = self.unclaimed.iter().rposition(|it| it.component == component);
            found.is_some()
        });
        found.map(|at| self.unclaimed.remove(at))
    }

    /// What has no name yet on this node has ended with it.
    pub(super) fn forget(&mut self, node: &str) {
        self.accept();
        self.unclaimed.retain(|it| it.node != node);
    }

    fn accept(&mut self) {
        while let Ok((stream, _)) = self.listener.accept() {
            // Whoever ended before it could say who it is was none.
            self.unclaimed.extend(introduced(stream).ok());
        }
    }
}

fn introduced(stream: UnixStream) -> io::Result<Arrived> {
    let nonsense = || io::Error::from(io::ErrorKind::InvalidData);
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(INTRODUCTION))?;
    // It says nothing more until it is asked, so no byte is lost with this reader.
    let hello = Incoming::new(stream.try_clone()?).next().filter(|it| it.kind == HELLO);
    let hello = hello.ok_or_else(nonsense)?;
    let Hello { component, node } = decode_bytes(&hello.header).map_err(|_| nonsense())?;
    stream.set_read_timeout(None)?;
    let process = pidfd_open(socket_peercred(&stream)?.pid, PidfdFlags::empty())?;
    let remote = Remote::new(stream, Body::Component(process))?;
    Ok(Arrived { component, node, remote })
}

/// A component: whoever runs the scenario listens at this socket.
pub(crate) fn be(socket: &Path) -> io::Result<()> {
    let variable = |name: &str| {
        let missing = || io::Error::other(format!("{name} is not set: only AMF starts components"));
        env::var(name).map_err(|_| missing())
    };
    let hello = Hello { component: variable(COMPONENT_VARIABLE)?, node: variable(NODE_VARIABLE)? };
    let name = Name::new(&hello.component).map_err(io::Error::other)?;
    let stream = UnixStream::connect(socket)?;
    protocol::send(&stream, &Frame::new(HELLO, 0, encode_bytes(&hello)))?;
    helper::serve(stream, &Endpoint::from_env(), Some(name));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_components_of_a_model_are_this_program() {
        let model = "component = { command = [\"component\"] }\n";
        let text = model_text(model, Path::new("/bin/it"), Path::new("/tmp/a b/sock"));
        let expected =
            "component = { command = [\"/bin/it\", \"component\", \"/tmp/a b/sock\"] }\n";
        assert_eq!(text.as_deref(), Ok(expected));
        let other = model_text("command = [\"true\"]", Path::new("x"), Path::new("y"));
        assert!(matches!(other, Err(Trouble::Broken(_))));
    }
}
