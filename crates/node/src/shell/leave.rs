//! The orderly end: first the node's programs and processes, then the good-bye.

use super::{Asked, LaunchNotice, Shell};
use ais_group::Priority;
use futures::future::join_all;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::oneshot,
    time::{Instant, timeout},
};

/// How long a node that leaves waits for others to hear why it does.
const HEARD: Duration = Duration::from_millis(500);

impl Shell {
    /// Ends what this node has started; the good-bye follows when it has surely ended: the others
    /// take over at once when they hear it.
    pub(super) fn leave(&mut self, stopped: oneshot::Sender<()>) {
        let first = self.stopping.is_empty();
        self.stopping.push(stopped);
        if !first {
            return;
        }
        self.server.end();
        self.listener = None;
        match &mut self.launcher {
            Some(launcher) => {
                launcher.end();
                self.farewell_until = Some(Instant::now() + self.farewell);
            }
            None => self.say_good_bye(),
        }
    }

    /// The end of single processes is of no interest any more: all go with this node.
    pub(super) fn last_notice(&mut self, notice: Option<LaunchNotice>) {
        match notice {
            Some(LaunchNotice::Nobody) => {}
            // It took everybody with it.
            None => self.launcher = None,
            Some(
                LaunchNotice::Started { .. }
                | LaunchNotice::Failed { .. }
                | LaunchNotice::Ended { .. }
                | LaunchNotice::Gone { .. },
            ) => return,
        }
        if self.farewell_until.take().is_some() {
            self.say_good_bye();
        }
    }

    fn say_good_bye(&mut self) {
        let handle = Arc::clone(&self.handle);
        let farewell = self.core.farewell();
        self.ask(async move {
            let said = farewell.into_iter().map(|it| handle.multicast(Priority::Medium, it));
            // Without quorum nobody hears it.
            let _ = timeout(HEARD, join_all(said)).await;
            handle.leave().await;
            Asked::Left
        });
    }
}
