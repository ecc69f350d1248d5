//! The socket for programs of this machine.

use super::ShellError;
use std::{
    fs, io,
    os::unix::{fs::PermissionsExt, net::UnixStream as Probe},
    path::PathBuf,
    time::Duration,
};
use tokio::{
    net::{UnixListener, UnixStream},
    time::{Instant, sleep_until},
};

/// The socket for programs of this machine.
#[derive(Clone, Debug)]
pub struct SocketConfig {
    /// Where.
    pub path: PathBuf,
    /// Who may use it, as in `chmod`: 0o660 for owner and group.
    pub mode: u32,
    /// The number of the group that owns it; the process's own if `None`.
    pub group: Option<u32>,
}

/// A program that connected.
pub(super) struct Accepted {
    pub(super) stream: UnixStream,
    pub(super) pid: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
}

pub(super) struct Listener {
    socket: UnixListener,
    path: PathBuf,
}

impl Listener {
    /// Listens, if nobody else does there. What a former life left behind is removed.
    pub(super) fn bind(config: &SocketConfig) -> Result<Self, ShellError> {
        let path = &config.path;
        let fail = |reason: String| ShellError::Socket { path: path.display().to_string(), reason };
        match Probe::connect(path) {
            Ok(_) => return Err(fail("another node answers there; stop it first".to_owned())),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                fs::remove_file(path).map_err(|error| fail(error.to_string()))?;
            }
            Err(_) => {}
        }
        // Under another name until it has its rights: nobody slips in before.
        let unborn = path.with_file_name(format!(".{}", std::process::id()));
        let _ = fs::remove_file(&unborn);
        let born = || {
            let socket = UnixListener::bind(&unborn)?;
            fs::set_permissions(&unborn, fs::Permissions::from_mode(config.mode))?;
            if let Some(group) = config.group {
                std::os::unix::fs::chown(&unborn, None, Some(group))?;
            }
            fs::rename(&unborn, path)?;
            Ok(socket)
        };
        let socket = born().map_err(|error: io::Error| {
            let _ = fs::remove_file(&unborn);
            fail(error.to_string())
        })?;
        Ok(Self { socket, path: path.clone() })
    }

    /// The next program. Dropping the future loses none.
    pub(super) async fn accept(&mut self) -> Accepted {
        loop {
            match self.socket.accept().await {
                Ok((stream, _)) => match credentials(&stream) {
                    Ok((pid, uid, gid)) => return Accepted { stream, pid, uid, gid },
                    Err(error) => tracing::warn!(%error, "refused a program without a name"),
                },
                Err(error) => {
                    tracing::warn!(%error, "cannot accept programs for a moment");
                    // Most often there are no descriptors left; that does not end by asking.
                    sleep_until(Instant::now() + Duration::from_millis(100)).await;
                }
            }
        }
    }
}

fn credentials(stream: &UnixStream) -> io::Result<(u32, u32, u32)> {
    let peer = stream.peer_cred()?;
    let pid = peer.pid().and_then(|it| u32::try_from(it).ok());
    let pid = pid.ok_or_else(|| io::Error::other("the system does not say which process it is"))?;
    Ok((pid, peer.uid(), peer.gid()))
}

impl Drop for Listener {
    fn drop(&mut self) {
        // Another node may have taken the place of one that was cut off; it binds a new file.
        let _ = fs::remove_file(&self.path);
    }
}
