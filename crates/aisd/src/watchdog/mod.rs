//! Supervised processes that failed for good: what they have published is looked at when it changes, and when
//! one of them is due to give a sign of life.

mod judge;

use crate::{config::Watchdog, keeper::monotonic_ns};
use ais_client::{AsyncSession, Endpoint, Node, Wait};
use ais_types::{Outcome, ServiceId, Version};
use judge::{Finding, Judge};
use std::{process::Stdio, time::Duration};
use tokio::process::Command;

/// Watches until the node is to stop, because of this process. Never, if that is not what was configured.
///
/// # Errors
/// When the node is gone.
pub(crate) async fn watch(endpoint: &Endpoint, action: &Watchdog) -> Outcome<u32> {
    if *action == Watchdog::Off {
        return std::future::pending().await;
    }
    let version = Version::b(1, 1);
    let session = AsyncSession::open(endpoint, ServiceId::NODE, version, "watchdog").await?;
    let node = Node::from(session);
    let mut judge = Judge::default();
    let mut objects = node.follow_resources().await?;
    loop {
        let (findings, next_ns) = judge.look(monotonic_ns(), &objects);
        for finding in findings {
            if let Some(pid) = act(action, finding) {
                return Ok(pid);
            }
        }
        // Until something changes, or the next sign of life is overdue.
        node.callback(wait(next_ns)).await?;
        objects = node.resources().await?;
    }
}

#[expect(clippy::disallowed_methods, reason = "a daemon in real time waits until a moment")]
fn wait(next_ns: Option<u64>) -> Wait {
    next_ns.map_or(Wait::Forever, |next_ns| {
        let left = Duration::from_nanos(next_ns.saturating_sub(monotonic_ns()));
        // A millisecond more, so that it is overdue then and not just about to be.
        Wait::Until(std::time::Instant::now() + left + Duration::from_millis(1))
    })
}

/// Does what was configured; the process because of which the node is to stop.
fn act(action: &Watchdog, finding: Finding) -> Option<u32> {
    let Finding { pid, why, is_final } = finding;
    if !is_final {
        tracing::warn!(
            pid,
            why,
            "a supervised process; it is restarted, or looked after by an operator"
        );
        return None;
    }
    tracing::error!(pid, why, "a supervised process has failed for good");
    match action {
        Watchdog::Off | Watchdog::Log => None,
        Watchdog::Stop => Some(pid),
        Watchdog::Command(command) => {
            run(command, pid);
            None
        }
    }
}

fn run(command: &[String], pid: u32) {
    let Some((program, arguments)) = command.split_first() else { return };
    let mut process = Command::new(program);
    process.args(arguments).arg(pid.to_string()).stdin(Stdio::null());
    match process.spawn() {
        Ok(mut child) => {
            // Reaped when it ends; how it ends is for the log.
            tokio::spawn(async move {
                match child.wait().await {
                    Ok(status) if status.success() => {}
                    Ok(status) => tracing::error!(%status, "the watchdog's command failed"),
                    Err(error) => tracing::error!(%error, "the watchdog's command is lost"),
                }
            });
        }
        Err(error) => tracing::error!(program, %error, "the watchdog's command cannot be run"),
    }
}
