//! The orderly end: first the node's programs and processes, then the good-bye.

use super::{Asked, LaunchNotice, Shell};
use std::sync::Arc;
use tokio::{sync::oneshot, time::Instant};

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
        self.ask(async move {
            handle.leave().await;
            Asked::Left
        });
    }
}
