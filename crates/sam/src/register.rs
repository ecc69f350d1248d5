//! The split: who calls becomes the supervisor, and its child returns.

use crate::{
    Error, State, adopt,
    library::lock,
    node::NodeLink,
    supervisor::{Rules, Supervisor},
};
use ais_types::{Outcome, resources::Entry};

/// # Safety
/// That of [`register`](crate::raw::register).
#[expect(unsafe_code, reason = "the process is forked")]
pub(crate) unsafe fn register() -> Result<u32, Error> {
    let (node, rules) = {
        let mut library = lock();
        let help = "initialize first, and register once";
        library.expect("register", &[State::Initialized], help)?;
        if let Some(offer) = adopt::take_offer() {
            return offer.accept(&mut library);
        }
        let rules = Rules::of(&library)?;
        let mut node = library.node.take();
        if rules.policy.published && node.is_none() {
            node = Some(library.connect().map_err(Error::PublishAtFirst)?);
        }
        (node, rules)
    };
    let mut supervisor = Supervisor::new(rules, node);
    if let Err(error) = supervisor.introduce() {
        supervisor.hand_back_node();
        return Err(Error::PublishAtFirst(error));
    }
    // SAFETY: the caller answers for the other threads.
    unsafe { supervisor.run() }
}

impl Supervisor {
    /// What never changes is published once.
    fn introduce(&mut self) -> Outcome<()> {
        let entries = [
            Entry::Recovery(self.rules.policy.recovery),
            Entry::PollPeriod(self.rules.poll_period()),
        ];
        entries.into_iter().try_for_each(|entry| self.publish(entry))
    }

    /// Publishes, if that is asked for.
    pub(crate) fn publish(&mut self, entry: Entry) -> Outcome<()> {
        if !self.rules.policy.published {
            return Ok(());
        }
        self.reach()?.publish(entry)
    }

    /// Removes what was published.
    pub(crate) fn withdraw(&mut self) {
        if self.rules.policy.published
            && let Ok(node) = self.reach()
        {
            // Nobody is left to be told.
            let _ = node.withdraw();
        }
    }

    /// The node, connected anew if the link was given up.
    pub(crate) fn reach(&mut self) -> Outcome<&mut Box<dyn NodeLink>> {
        match &mut self.node {
            Some(node) => Ok(node),
            none @ None => {
                let mut node = lock().connect()?;
                if self.rules.policy.quorum {
                    self.quorate = node.track_quorum()?;
                }
                Ok(none.insert(node))
            }
        }
    }
}
