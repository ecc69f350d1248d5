//! Faults on demand, for development clusters: what a pulled cable does, without pulling one.

use ais_types::{NodeId, node::Fault};
use std::{collections::BTreeMap, fmt, str::FromStr, sync::Arc, time::Duration};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

/// The fault switch of a node. Clones are the same switch.
///
/// A transport over sockets asks it before whatever it does with a peer
/// ([`Config::faults`](crate::net::Config::faults)). It stands in the way as a pulled cable would:
/// nobody is told, connections stay open and silent, even the end of a peer's process is not seen.
/// What was on its way arrives when the fault is over, unless the session has broken meanwhile: for
/// that it takes a write that makes no progress in time.
#[derive(Clone, Debug)]
pub struct FaultSwitch(Arc<watch::Sender<Faults>>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Faults {
    /// With everybody who is not named.
    all: Option<Fault>,
    named: BTreeMap<NodeId, Option<Fault>>,
}

impl Faults {
    fn with(&self, peer: NodeId) -> Option<Fault> {
        self.named.get(&peer).copied().unwrap_or(self.all)
    }
}

impl Default for FaultSwitch {
    fn default() -> Self {
        Self::new()
    }
}

impl FaultSwitch {
    /// A switch with everything in order.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Faults::default())))
    }

    /// From now on this is wrong with that peer, or with all peers; `None`: nothing is. What is said
    /// of all peers takes back what was said of single ones.
    pub fn set(&self, peer: Option<NodeId>, fault: Option<Fault>) {
        self.0.send_modify(|faults| match peer {
            Some(peer) => drop(faults.named.insert(peer, fault)),
            None => *faults = Faults { all: fault, named: BTreeMap::new() },
        });
    }

    /// What is wrong with this peer.
    #[must_use]
    pub fn with(&self, peer: NodeId) -> Option<Fault> {
        self.0.borrow().with(peer)
    }

    /// Whether something from this peer can arrive now.
    pub(crate) fn hears(&self, peer: NodeId) -> bool {
        !matches!(self.with(peer), Some(Fault::Cut))
    }

    /// Whether something can arrive at this peer now.
    pub(crate) fn reaches(&self, peer: NodeId) -> bool {
        !matches!(self.with(peer), Some(Fault::Cut | Fault::CutOneWay))
    }

    /// Waits as long as something from this peer takes to arrive.
    pub(crate) async fn incoming(&self, peer: NodeId) {
        self.wait(|| self.hears(peer)).await;
        self.slowly(peer).await;
    }

    /// Waits as long as something takes to leave for this peer.
    pub(crate) async fn outgoing(&self, peer: NodeId) {
        self.wait(|| self.reaches(peer)).await;
        self.slowly(peer).await;
    }

    async fn slowly(&self, peer: NodeId) {
        if let Some(Fault::Slow(by)) = self.with(peer) {
            sleep_until(Instant::now() + Duration::from_millis(by.into())).await;
        }
    }

    async fn wait(&self, passes: impl Fn() -> bool) {
        let mut changes = self.0.subscribe();
        while !passes() {
            // The sender is here: it cannot be gone.
            let _ = changes.changed().await;
        }
    }
}

/// For whoever keeps it over the end of a life: `all=cut,2=slow:100,3=none`.
impl fmt::Display for FaultSwitch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults = self.0.borrow();
        write!(f, "all={}", Written(faults.all))?;
        faults.named.iter().try_for_each(|(peer, it)| write!(f, ",{}={}", peer.0, Written(*it)))
    }
}

struct Written(Option<Fault>);

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("none"),
            Some(Fault::Cut) => f.write_str("cut"),
            Some(Fault::CutOneWay) => f.write_str("cut-one-way"),
            Some(Fault::Slow(by)) => write!(f, "slow:{by}"),
        }
    }
}

/// This is not what a switch writes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no fault of a peer: write it as in all=cut,2=slow:100,3=none")]
pub struct FaultTextError(String);

impl FromStr for FaultSwitch {
    type Err = FaultTextError;

    fn from_str(text: &str) -> Result<Self, FaultTextError> {
        let switch = Self::new();
        for part in text.split(',') {
            let wrong = || FaultTextError(part.to_owned());
            let (peer, fault) = part.split_once('=').ok_or_else(wrong)?;
            let fault = match fault.split_once(':') {
                None if fault == "none" => None,
                None if fault == "cut" => Some(Fault::Cut),
                None if fault == "cut-one-way" => Some(Fault::CutOneWay),
                Some(("slow", by)) => Some(Fault::Slow(by.parse().map_err(|_| wrong())?)),
                _ => return Err(wrong()),
            };
            match peer {
                "all" => switch.set(None, fault),
                _ => switch.set(Some(NodeId(peer.parse().map_err(|_| wrong())?)), fault),
            }
        }
        Ok(switch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_all_takes_back_what_was_said_of_one() {
        let switch = FaultSwitch::new();
        let (a, b) = (NodeId(1), NodeId(2));
        switch.set(Some(a), Some(Fault::CutOneWay));
        assert!(switch.hears(a) && !switch.reaches(a) && switch.reaches(b));
        switch.set(None, Some(Fault::Cut));
        assert!(!switch.hears(a) && !switch.hears(b));
        switch.set(Some(b), None);
        assert!(!switch.reaches(a) && switch.reaches(b));
        switch.set(None, None);
        assert_eq!((switch.with(a), switch.with(b)), (None, None));
    }

    #[test]
    fn what_is_written_is_read_again() {
        let text = "all=cut-one-way,1=none,2=slow:100,3=cut";
        assert_eq!(text.parse::<FaultSwitch>().unwrap().to_string(), text);
        assert_eq!(FaultSwitch::new().to_string(), "all=none");
        for wrong in ["", "all", "x=cut", "all=on", "1=slow", "1=slow:", "1=slow:x", "1=cut,"] {
            assert!(wrong.parse::<FaultSwitch>().is_err(), "{wrong}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_written_is_read_or_refused(text in "(all|[0-9]{1,12}|\\PC)=(none|cut|slow:[0-9]{1,12}|\\PC{0,4})(,\\PC{0,12}){0,2}") {
            if let Ok(switch) = text.parse::<FaultSwitch>() {
                let again: FaultSwitch = switch.to_string().parse().unwrap();
                proptest::prop_assert_eq!(again.to_string(), switch.to_string());
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_goes_on_when_it_is_over() {
        let switch = FaultSwitch::new();
        let a = NodeId(1);
        switch.set(Some(a), Some(Fault::Cut));
        let heal = async {
            sleep_until(Instant::now() + Duration::from_secs(9)).await;
            switch.set(Some(a), Some(Fault::Slow(1000)));
        };
        let start = tokio::time::Instant::now();
        futures::join!(heal, switch.incoming(a), switch.outgoing(a));
        assert_eq!(start.elapsed(), Duration::from_secs(10));
    }
}
