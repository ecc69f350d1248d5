//! Recovery plugs: after a change of the membership, whoever must rebuild state first holds back
//! the ordinary messages of the whole group until it has.
//!
//! ```text
//!  create ──▶ in ──unplug(this view)──▶ out
//!             ▲                          │
//!             └────── the next view ─────┘        destroy, or the member's end: gone
//! ```
//!
//! While any plug is in, only messages of [`Priority::Recovery`] are delivered.

use crate::{GroupError, GroupHandle, Priority};
use ais_types::MemberId;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

/// The longest name of a plug, in bytes.
pub const PLUG_NAME_MAX: usize = 64;
/// How many plugs a member may have.
pub const PLUGS_MAX: usize = 64;

/// How long messages wait for plugs, unless configured.
pub(crate) const PLUG_TIMEOUT: Duration = Duration::from_secs(30);

/// A plug of a member.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Plug {
    /// Whose.
    pub member: MemberId,
    /// Its name among those of its member.
    pub name: String,
}

impl fmt::Display for Plug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of {}", self.name, self.member)
    }
}

/// Whether ordinary messages flow. Told only where there are plugs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// From here on ordinary messages are held back, until these plugs are out: a view has put
    /// them in, or one was created. Told again when others come in.
    Held {
        /// The number of the view, which an unplug has to name.
        view: u64,
        /// Those that are in.
        plugs: Vec<Plug>,
    },
    /// All plugs are out: ordinary messages flow.
    Flows {
        /// The view.
        view: u64,
    },
    /// These plugs did not come out in time: this view goes on without them, and ordinary
    /// messages flow, though whoever they belong to has not recovered.
    Overdue {
        /// The view.
        view: u64,
        /// Those that were still in.
        plugs: Vec<Plug>,
    },
}

/// What a member orders about a plug of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PlugOrder {
    /// It exists from now on, and is in.
    Create,
    /// It is out, as far as the view with this number is concerned. Of another view: nothing.
    Unplug(u64),
    /// It exists no more. One that was in is out with that.
    Destroy,
}

/// A recovery plug that this member has created.
///
/// Dropping this changes nothing in the group: the plug stays, and each view puts it in again.
#[derive(Clone)]
pub struct RecoveryPlug {
    handle: Arc<dyn GroupHandle>,
    name: String,
}

impl RecoveryPlug {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// State has been recovered after the view with this number. If another one has come
    /// meanwhile, this says nothing about it: the plug is in again. Returns when it is delivered.
    ///
    /// # Errors
    /// [`GroupError::Left`].
    pub async fn unplug(&self, view: u64) -> Result<(), GroupError> {
        self.handle.order_plug(&self.name, PlugOrder::Unplug(view)).await
    }

    /// The plug is no more. Returns when that is delivered.
    ///
    /// # Errors
    /// [`GroupError::Left`].
    pub async fn destroy(self) -> Result<(), GroupError> {
        self.handle.order_plug(&self.name, PlugOrder::Destroy).await
    }
}

impl fmt::Debug for RecoveryPlug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecoveryPlug").field("name", &self.name).finish_non_exhaustive()
    }
}

impl dyn GroupHandle {
    /// Creates a plug of this member, or takes hold of the one it has with this name. It is in
    /// when this returns: ordinary messages of the whole group wait until it has been taken out.
    /// From then on each view puts it in again.
    ///
    /// # Errors
    /// [`GroupError::Plug`] if there may not be such a plug; [`GroupError::Left`].
    #[doc(alias = "gmi_recovery_plug_create")]
    pub async fn recovery_plug(self: &Arc<Self>, name: &str) -> Result<RecoveryPlug, GroupError> {
        if name.is_empty() || name.len() > PLUG_NAME_MAX {
            let rule = format!("the name of a plug has 1 to {PLUG_NAME_MAX} bytes");
            return Err(GroupError::Plug { name: name.into(), rule });
        }
        self.order_plug(name, PlugOrder::Create).await?;
        Ok(RecoveryPlug { handle: self.clone(), name: name.into() })
    }
}

impl Priority {
    /// Whether it flows while a plug is in.
    pub(crate) fn flows_always(self) -> bool {
        match self {
            Self::Recovery => true,
            Self::High | Self::Medium | Self::Low => false,
        }
    }
}

/// The plugs that exist, by member and name, and whether they are in: the same at all members.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Plugs(BTreeMap<MemberId, BTreeMap<String, bool>>);

/// What happens to plugs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change<'a> {
    /// There is a new view, perhaps since this member is out.
    View { left: Option<MemberId> },
    /// A member has ordered something.
    Order(MemberId, &'a str, PlugOrder),
    /// The leader's patience with this view has ended.
    Overdue(u64),
}

impl Plugs {
    /// Whether ordinary messages are held back.
    pub(crate) fn hold(&self) -> bool {
        self.0.values().any(|own| own.values().any(|is_in| *is_in))
    }

    /// Those that are in.
    pub(crate) fn inside(&self) -> Vec<Plug> {
        let of = |(member, own): (&MemberId, &BTreeMap<String, bool>)| {
            let inside = own.iter().filter(|(_, is_in)| **is_in);
            let plug = |(name, _): (&String, &bool)| Plug { member: *member, name: name.clone() };
            inside.map(plug).collect::<Vec<_>>()
        };
        self.0.iter().flat_map(of).collect()
    }

    /// How many plugs a member has.
    pub(crate) fn count(&self, member: MemberId) -> usize {
        self.0.get(&member).map_or(0, BTreeMap::len)
    }

    /// Changes them; what is to be told about it.
    pub(crate) fn change(&mut self, view: u64, change: Change<'_>) -> Option<Recovery> {
        let before = self.inside();
        match change {
            Change::View { left } => {
                self.0.retain(|member, _| Some(*member) != left);
                self.all().for_each(|is_in| *is_in = true);
            }
            Change::Order(member, name, order) => self.order(view, member, name, order),
            Change::Overdue(overdue) if overdue == view && !before.is_empty() => {
                self.all().for_each(|is_in| *is_in = false);
                return Some(Recovery::Overdue { view, plugs: before });
            }
            Change::Overdue(_) => {}
        }
        let plugs = self.inside();
        let news = match change {
            // A view says it of all that are in; an order, if it has put one in.
            Change::View { .. } => !plugs.is_empty(),
            Change::Order(..) => plugs.iter().any(|it| !before.contains(it)),
            Change::Overdue(_) => false,
        };
        if news {
            return Some(Recovery::Held { view, plugs });
        }
        (plugs.is_empty() && !before.is_empty()).then_some(Recovery::Flows { view })
    }

    fn order(&mut self, view: u64, member: MemberId, name: &str, order: PlugOrder) {
        match order {
            PlugOrder::Create => {
                self.0.entry(member).or_default().entry(name.into()).or_insert(true);
            }
            PlugOrder::Unplug(of) => {
                let plug = self.0.get_mut(&member).and_then(|own| own.get_mut(name));
                if let Some(is_in) = plug.filter(|_| of == view) {
                    *is_in = false;
                }
            }
            PlugOrder::Destroy => {
                if let Some(own) = self.0.get_mut(&member) {
                    own.remove(name);
                }
                self.0.retain(|_, own| !own.is_empty());
            }
        }
    }

    fn all(&mut self) -> impl Iterator<Item = &mut bool> {
        self.0.values_mut().flat_map(BTreeMap::values_mut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ais_types::{Incarnation, NodeId};

    const A: MemberId = MemberId { node: NodeId(1), incarnation: Incarnation(1) };
    const B: MemberId = MemberId { node: NodeId(2), incarnation: Incarnation(1) };

    fn plug(member: MemberId, name: &str) -> Plug {
        Plug { member, name: name.into() }
    }

    #[test]
    fn without_plugs_nothing_is_told_and_nothing_held() {
        let mut plugs = Plugs::default();
        assert_eq!(plugs.change(1, Change::View { left: None }), None);
        assert_eq!(plugs.change(1, Change::Overdue(1)), None);
        assert_eq!(plugs.change(1, Change::Order(A, "x", PlugOrder::Unplug(1))), None);
        assert!(!plugs.hold());
    }

    #[test]
    fn each_view_puts_plugs_in_and_an_unplug_counts_for_its_own_view() {
        let mut plugs = Plugs::default();
        let held = |view, plugs| Some(Recovery::Held { view, plugs });
        let create = |name| Change::Order(A, name, PlugOrder::Create);
        let unplug = |member, view| Change::Order(member, "x", PlugOrder::Unplug(view));
        assert_eq!(plugs.change(1, create("x")), held(1, vec![plug(A, "x")]));
        assert_eq!(plugs.change(1, create("x")), None, "there already");
        assert_eq!(plugs.change(1, unplug(A, 1)), Some(Recovery::Flows { view: 1 }));
        assert_eq!(plugs.change(1, create("x")), None, "there already, and out");
        plugs.change(1, Change::Order(B, "x", PlugOrder::Create));
        plugs.change(1, unplug(B, 1));
        assert_eq!(
            plugs.change(2, Change::View { left: None }),
            held(2, vec![plug(A, "x"), plug(B, "x")])
        );
        assert_eq!(plugs.change(2, unplug(A, 1)), None, "of another view");
        assert_eq!(plugs.change(2, unplug(A, 2)), None, "the other one is still in");
        assert_eq!(
            plugs.change(3, Change::View { left: None }),
            held(3, vec![plug(A, "x"), plug(B, "x")])
        );
        assert_eq!(plugs.change(3, unplug(A, 3)), None);
        assert_eq!(plugs.change(3, unplug(B, 3)), Some(Recovery::Flows { view: 3 }));
    }

    #[test]
    fn who_is_gone_holds_nothing_back() {
        let mut plugs = Plugs::default();
        plugs.change(1, Change::Order(A, "x", PlugOrder::Create));
        let left = Change::View { left: Some(A) };
        assert_eq!(plugs.change(2, left), Some(Recovery::Flows { view: 2 }));
        assert!(!plugs.hold() && plugs.count(A) == 0);
        plugs.change(2, Change::Order(B, "x", PlugOrder::Create));
        let destroyed = plugs.change(2, Change::Order(B, "x", PlugOrder::Destroy));
        assert_eq!(destroyed, Some(Recovery::Flows { view: 2 }));
    }

    #[test]
    fn what_is_overdue_is_named_and_the_next_view_puts_it_in_again() {
        let mut plugs = Plugs::default();
        plugs.change(4, Change::Order(A, "x", PlugOrder::Create));
        assert_eq!(plugs.change(4, Change::Overdue(3)), None);
        let overdue = Recovery::Overdue { view: 4, plugs: vec![plug(A, "x")] };
        assert_eq!(plugs.change(4, Change::Overdue(4)), Some(overdue));
        assert!(!plugs.hold());
        plugs.change(5, Change::View { left: None });
        assert!(plugs.hold());
    }
}
