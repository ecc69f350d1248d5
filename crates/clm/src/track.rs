//! Telling the membership and its changes (`saClmClusterTrack`, clm.md §5.5, §6).

use crate::{
    Refused, State,
    client::{Client, Scope, Shows, Tracking},
    command::Steps,
    membership::Transition,
};
use ais_types::{
    MemberId, Name, NodeId, Time, TrackFlags,
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
    steps: Steps,
}

impl Request {
    /// At which steps changes are to be asked about; `None`: changes are not tracked by it.
    pub(crate) fn steps(self) -> Option<Steps> {
        self.changes.map(|_| self.steps)
    }
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
    let scope = if flags.has(TrackFlags::LOCAL) { Scope::Local } else { Scope::Cluster };
    // With CURRENT alone the step flags are accepted, and have no effect.
    let steps = Steps {
        validate: flags.has(TrackFlags::VALIDATE_STEP),
        start: flags.has(TrackFlags::START_STEP),
        local: scope == Scope::Local,
    };
    Ok(Request { current, changes, scope, steps })
}

/// Whether the call can be served at all, for a client of the node `me`.
pub(crate) fn check(
    client: &Client,
    me: MemberId,
    state: &State,
    request: Request,
    buffer: Buffer,
) -> Result<(), Refused> {
    let asks_for_callback = request.current && buffer == Buffer::None;
    if request.current && buffer == Buffer::Items(0) {
        return Err(Refused::EmptyArray);
    }
    if !client.callbacks.track && (request.changes.is_some() || asks_for_callback) {
        return Err(Refused::NoCallback("track"));
    }
    if client.knows_unavailable() && state.is_unconfigured(me.node) {
        return Err(Refused::Unconfigured(me.node));
    }
    Ok(())
}

/// How many items the current membership takes, if the caller's array has not got room for it.
pub(crate) fn lacks_room(
    me: MemberId,
    state: &State,
    request: Request,
    buffer: Buffer,
) -> Option<u32> {
    let Buffer::Items(room) = buffer else { return None };
    let needed = length(&snapshot(me, state, request.scope));
    (request.current && room < needed).then_some(needed)
}

/// The call of a client of the node `me`. On success the client tracks as it asked.
pub(crate) fn track(
    client: &mut Client,
    me: MemberId,
    state: &State,
    request: Request,
    buffer: Buffer,
) -> Result<Answer, Refused> {
    check(client, me, state, request, buffer)?;
    let answer = if request.current {
        current(client, me, state, request.scope, buffer)
    } else {
        Answer { reply: Reply::Tracked, callback: None }
    };
    let refused = matches!(answer.reply, Reply::NoSpace(_));
    if let (false, Some(shows)) = (refused, request.changes) {
        client.tracking = Some(Tracking { shows, scope: request.scope });
    }
    Ok(answer)
}

fn current(client: &Client, me: MemberId, state: &State, scope: Scope, buffer: Buffer) -> Answer {
    let membership = &state.membership;
    let items = snapshot(me, state, scope);
    let needed = length(&items);
    let notification = Notification { view: membership.number(), items };
    match buffer {
        Buffer::Items(room) if room < needed => {
            Answer { reply: Reply::NoSpace(needed), callback: None }
        }
        Buffer::Items(_) | Buffer::Library => {
            Answer { reply: Reply::Current(notification), callback: None }
        }
        Buffer::None => {
            let callback = completed(client, notification, membership.count(), None);
            Answer { reply: Reply::Tracked, callback: Some(callback) }
        }
    }
}

fn length(items: &[Item]) -> u32 {
    u32::try_from(items.len()).unwrap_or(u32::MAX)
}

/// What a client sees of the membership as it is.
fn snapshot(me: MemberId, state: &State, scope: Scope) -> Vec<Item> {
    let membership = &state.membership;
    let unchanged = |node| Item { node, change: Change::NoChange };
    match (membership.contains(me), scope) {
        (true, Scope::Cluster) => membership.members().map(unchanged).collect(),
        (true, Scope::Local) => vec![unchanged(state.node(me.node))],
        // On a node that is no member only that node is known of, and that it is none.
        (false, _) => {
            let node = ClusterNode { member: false, ..state.node(me.node) };
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
    let (notification, cause) = view_of(client, me, is_member, transition)?;
    Some(completed(client, notification, transition.members, cause))
}

/// What a client is told of a step of a change.
pub(crate) fn step(
    client: &Client,
    me: NodeId,
    announced: &Transition,
    step: Step,
    invocation: u64,
    time_supervision: Time,
) -> Option<Callback> {
    let (notification, root_cause) = view_of(client, me, true, announced)?;
    let members = announced.members;
    Some(Callback::Track(TrackCallback {
        invocation,
        step,
        time_supervision,
        ..bare(client, notification, members, root_cause)
    }))
}

/// What of a transition a client sees.
fn view_of(
    client: &Client,
    me: NodeId,
    is_member: bool,
    transition: &Transition,
) -> Option<(Notification, Option<Name>)> {
    let tracking = client.tracking?;
    let known: Vec<(&ClusterNode, Change)> =
        transition.nodes.iter().map(|(node, change)| (node, known(client.api, *change))).collect();
    let own = |node: &ClusterNode| node.id == me;
    let changed = |change: Change| change != Change::NoChange;
    // The view may go on although nobody's membership changes; what B.01 has no word for is
    // nothing at all to its programs.
    let told_before = transition.nodes.iter().any(|(_, change)| changed(*change));
    if told_before && !known.iter().any(|(_, change)| changed(*change)) {
        return None;
    }
    let own_change = known.iter().any(|(node, change)| own(node) && changed(*change));
    let local = tracking.scope == Scope::Local || !is_member;
    if local && !own_change {
        return None;
    }
    let shown = known.into_iter().filter(|(node, change)| match (local, tracking.shows) {
        (true, _) => own(node),
        (false, Shows::Everything) => true,
        (false, Shows::Changes) => changed(*change),
    });
    let items = shown.map(|(node, change)| Item { node: node.clone(), change }).collect();
    Some((Notification { view: transition.view, items }, transition.cause.clone()))
}

/// A change in the words of a generation: no program is told a value that came after its release.
fn known(api: Api, change: Change) -> Change {
    match (api, change) {
        (Api::B01, Change::Shutdown) => Change::Left,
        (Api::B01, Change::Unlock) => Change::NoChange,
        (Api::B01 | Api::B04, it) => it,
    }
}

fn completed(
    client: &Client,
    notification: Notification,
    members: u32,
    root_cause: Option<Name>,
) -> Callback {
    Callback::Track(bare(client, notification, members, root_cause))
}

fn bare(
    client: &Client,
    notification: Notification,
    members: u32,
    root_cause: Option<Name>,
) -> TrackCallback {
    TrackCallback {
        tracking: client.stops,
        notification,
        members,
        invocation: 0,
        root_cause,
        step: Step::Completed,
        time_supervision: Time::BEGIN,
        error: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn expect(api: Api, flags: u8, expected: Result<(bool, Option<Shows>, Scope), Refused>) {
        let request = request(api, TrackFlags(flags));
        assert_eq!(request.map(|it| (it.current, it.changes, it.scope)), expected);
    }

    #[test]
    fn flags_that_make_sense_are_taken() {
        expect(Api::B04, 0x01, Ok((true, None, Scope::Cluster)));
        expect(Api::B04, 0x05, Ok((true, Some(Shows::Changes), Scope::Cluster)));
        expect(Api::B04, 0x0a, Ok((false, Some(Shows::Everything), Scope::Local)));
        expect(Api::B04, 0x31, Ok((true, None, Scope::Cluster)));
    }

    #[test]
    fn steps_are_heeded_with_changes_only() {
        let steps = |flags| request(Api::B04, TrackFlags(flags)).map(Request::steps);
        let start = Steps { start: true, ..Steps::default() };
        let validate = Steps { validate: true, local: true, start: false };
        assert_eq!(steps(0x12), Ok(Some(start)));
        assert_eq!(steps(0x2c), Ok(Some(validate)));
        assert_eq!(steps(0x31), Ok(None));
    }

    #[test]
    fn flags_that_make_none_are_refused() {
        for flags in [0x00, 0x06, 0x07, 0x40, 0x41, 0x80, 0x08, 0x10, 0x20] {
            expect(Api::B04, flags, Err(Refused::Flags(flags)));
        }
        for flags in [0x09, 0x11, 0x21] {
            expect(Api::B01, flags, Err(Refused::Flags(flags)));
        }
    }
}
