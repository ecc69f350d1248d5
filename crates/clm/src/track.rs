//! Telling the membership and its changes (`saClmClusterTrack`, clm.md §5.5, §6).

use crate::{
    Membership, Refused,
    client::{Client, Scope, Shows, Tracking},
    membership::Transition,
};
use ais_types::{
    MemberId, NodeId, Time, TrackFlags,
    clm::{
        Api, Buffer, Callback, Change, ClusterNode, Item, Notification, Reply, Step, TrackCallback,
    },
};
use alloc::{vec, vec::Vec};

/// Track flags that make sense together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    current: bool,
    changes: Option<Shows>,
    scope: Scope,
}

/// What becomes of a call of Track.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) reply: Reply,
    pub(crate) callback: Option<Callback>,
}

/// Parses the flags (clm.md §5.5).
pub(crate) fn request(api: Api, flags: TrackFlags) -> Result<Request, Refused> {
    let known = match api {
        Api::B01 => 0x07,
        Api::B04 => 0x3f,
    };
    let current = flags.has(TrackFlags::CURRENT);
    let changes = match (flags.has(TrackFlags::CHANGES), flags.has(TrackFlags::CHANGES_ONLY)) {
        (true, true) => return Err(Refused::flags(flags)),
        (true, false) => Some(Shows::Everything),
        (false, true) => Some(Shows::Changes),
        (false, false) => None,
    };
    if flags.0 & !known != 0 || !current && changes.is_none() {
        return Err(Refused::flags(flags));
    }
    let steps = flags.has(TrackFlags::START_STEP) || flags.has(TrackFlags::VALIDATE_STEP);
    // With CURRENT alone the step flags are accepted, and have no effect.
    if steps && changes.is_some() {
        return Err(Refused::Steps);
    }
    let scope = if flags.has(TrackFlags::LOCAL) { Scope::Local } else { Scope::Cluster };
    Ok(Request { current, changes, scope })
}

/// The call of a client of the node `me`. On success the client tracks as it asked.
pub(crate) fn track(
    client: &mut Client,
    me: MemberId,
    membership: &Membership,
    request: Request,
    buffer: Buffer,
) -> Result<Answer, Refused> {
    let asks_for_callback = request.current && buffer == Buffer::None;
    if request.current && buffer == Buffer::Items(0) {
        return Err(Refused::EmptyArray);
    }
    if !client.callbacks.track && (request.changes.is_some() || asks_for_callback) {
        return Err(Refused::NoCallback("track"));
    }
    let answer = if request.current {
        current(client, me, membership, request.scope, buffer)
    } else {
        Answer { reply: Reply::Tracked, callback: None }
    };
    let refused = matches!(answer.reply, Reply::NoSpace(_));
    if let (false, Some(shows)) = (refused, request.changes) {
        client.tracking = Some(Tracking { shows, scope: request.scope });
    }
    Ok(answer)
}

fn current(
    client: &Client,
    me: MemberId,
    membership: &Membership,
    scope: Scope,
    buffer: Buffer,
) -> Answer {
    let items = snapshot(me, membership, scope);
    let needed = u32::try_from(items.len()).unwrap_or(u32::MAX);
    let notification = Notification { view: membership.number(), items };
    match buffer {
        Buffer::Items(room) if room < needed => {
            Answer { reply: Reply::NoSpace(needed), callback: None }
        }
        Buffer::Items(_) | Buffer::Library => {
            Answer { reply: Reply::Current(notification), callback: None }
        }
        Buffer::None => {
            let members = count(membership.members());
            let callback = completed(client, notification, members);
            Answer { reply: Reply::Tracked, callback: Some(callback) }
        }
    }
}

/// What a client sees of the membership as it is.
fn snapshot(me: MemberId, membership: &Membership, scope: Scope) -> Vec<Item> {
    let unchanged = |node| Item { node, change: Change::NoChange };
    match (membership.contains(me), scope) {
        (true, Scope::Cluster) => membership.members().map(unchanged).collect(),
        (true, Scope::Local) => vec![unchanged(membership.node(me.node))],
        // On a node that is no member only that node is known of, and that it is none.
        (false, _) => {
            let node = ClusterNode { member: false, ..membership.node(me.node) };
            vec![Item { node, change: Change::Left }]
        }
    }
}

/// What a client is told of a transition; `None` if it is none of its business.
pub(crate) fn tell(
    client: &Client,
    me: NodeId,
    is_member: bool,
    transition: &Transition,
) -> Option<Callback> {
    let tracking = client.tracking?;
    let own = |node: &ClusterNode| node.id == me;
    let changed = |change: Change| change != Change::NoChange;
    let own_change = transition.nodes.iter().any(|(node, change)| own(node) && changed(*change));
    let local = tracking.scope == Scope::Local || !is_member;
    if local && !own_change {
        return None;
    }
    let shown = transition.nodes.iter().filter(|(node, change)| match (local, tracking.shows) {
        (true, _) => own(node),
        (false, Shows::Everything) => true,
        (false, Shows::Changes) => changed(*change),
    });
    let items = shown.map(|(node, change)| Item { node: node.clone(), change: *change }).collect();
    let notification = Notification { view: transition.view, items };
    Some(completed(client, notification, transition.members))
}

fn completed(client: &Client, notification: Notification, members: u32) -> Callback {
    Callback::Track(TrackCallback {
        tracking: client.stops,
        notification,
        members,
        invocation: 0,
        root_cause: None,
        step: Step::Completed,
        time_supervision: Time::BEGIN,
        error: None,
    })
}

fn count(members: impl Iterator<Item = ClusterNode>) -> u32 {
    u32::try_from(members.count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(api: Api, flags: u8, expected: Result<(bool, Option<Shows>, Scope), Refused>) {
        let expected =
            expected.map(|(current, changes, scope)| Request { current, changes, scope });
        assert_eq!(request(api, TrackFlags(flags)), expected);
    }

    #[test]
    fn flags_that_make_sense_are_taken() {
        check(Api::B04, 0x01, Ok((true, None, Scope::Cluster)));
        check(Api::B04, 0x05, Ok((true, Some(Shows::Changes), Scope::Cluster)));
        check(Api::B04, 0x0a, Ok((false, Some(Shows::Everything), Scope::Local)));
        check(Api::B04, 0x31, Ok((true, None, Scope::Cluster)));
    }

    #[test]
    fn flags_that_make_none_are_refused() {
        for flags in [0x00, 0x06, 0x07, 0x40, 0x41, 0x80, 0x08, 0x10, 0x20] {
            check(Api::B04, flags, Err(Refused::Flags(flags)));
        }
        for flags in [0x09, 0x11, 0x21] {
            check(Api::B01, flags, Err(Refused::Flags(flags)));
        }
        check(Api::B04, 0x12, Err(Refused::Steps));
    }
}
