//! What the node itself is asked: how it is, whether there is quorum, and what supervised processes have
//! published. All of it is this node's own, and answered always, lease or not.

use super::{
    Core, Effect, SessionId,
    sessions::{Place, refusal},
};
use ais_service::Lease;
use ais_types::{
    ErrorCode, Outcome, frame,
    node::{Call, Callback, Reply, Status},
    resources::{Entry, Object},
};
use ais_wire::{Frame, decode, encode};
use std::collections::BTreeMap;

/// More objects than a node has processes to supervise: what the dead left behind counts.
const OBJECTS_MAX: usize = 4096;

/// What supervised processes have published, by their supervisors' process numbers.
#[derive(Default)]
pub(super) struct Resources {
    objects: BTreeMap<u32, Object>,
}

impl Resources {
    /// Sets one entry. Whether others will want to know.
    fn publish(&mut self, pid: u32, entry: Entry) -> Outcome<bool> {
        if self.objects.len() >= OBJECTS_MAX && !self.objects.contains_key(&pid) {
            let text = format!(
                "{OBJECTS_MAX} supervised processes are published here; forget those that were left \
                 behind: `ais sam list`, `ais sam forget PID`"
            );
            return Err(refusal(ErrorCode::NoResources, text));
        }
        let object = self.objects.entry(pid).or_insert_with(|| Object { pid, ..Object::default() });
        let before = *object;
        object.set(entry);
        Ok(Object { last_updated: before.last_updated, ..*object } != before)
    }
}

impl Core {
    pub(super) fn answer_for_node(
        &mut self,
        session: SessionId,
        pid: u32,
        place: Place,
        call: &Frame,
        out: &mut Vec<Effect>,
    ) {
        let call = match decode::<Call>(call) {
            Ok(call) => call,
            Err(error) => return self.breach(session, place, &error.to_string(), out),
        };
        if let Call::Fault { peer, fault } = call {
            let Place { connection, tag } = place;
            return out.push(Effect::SetFault { connection, tag, peer, fault });
        }
        let (mut outcome, changed) = match self.take_call(session, pid, call) {
            Ok((reply, changed)) => (Ok(reply), changed),
            Err(error) => (Err(error), false),
        };
        let reply = encode(frame::REPLY, place.tag, &mut outcome);
        out.push(Effect::Reply(session, place.connection, reply));
        if changed {
            let followers = self.sessions.resource_followers.iter().copied().collect();
            self.tell_followers(followers, &Callback::Resources, out);
        }
    }

    /// The answer, and whether what is published has changed.
    fn take_call(&mut self, session: SessionId, pid: u32, call: Call) -> Outcome<(Reply, bool)> {
        Ok(match call {
            Call::Status => (Reply::Status(self.status()), false),
            Call::FollowQuorum => {
                self.sessions.quorum_followers.insert(session);
                (Reply::Quorum(self.lease == Lease::Held), false)
            }
            Call::Publish(entry) => (Reply::Done, self.resources.publish(pid, entry)?),
            Call::Withdraw => (Reply::Done, self.resources.objects.remove(&pid).is_some()),
            Call::Resources => (self.published(), false),
            Call::FollowResources => {
                self.sessions.resource_followers.insert(session);
                (self.published(), false)
            }
            Call::Forget(pid) => {
                self.resources.objects.remove(&pid).ok_or_else(|| {
                    let text = format!("process {pid} has published nothing here");
                    refusal(ErrorCode::NotExist, text)
                })?;
                (Reply::Done, true)
            }
            // A shell takes these before they come here, or right after.
            Call::Fault { .. } | Call::Group(_) => {
                let text = "this node has no group to order";
                return Err(refusal(ErrorCode::NotSupported, text));
            }
        })
    }

    fn published(&self) -> Reply {
        Reply::Resources(self.resources.objects.values().copied().collect())
    }

    /// The lease has come or gone: that is what quorum is to the programs of this node.
    pub(super) fn tell_quorum(&mut self, out: &mut Vec<Effect>) {
        let followers = self.sessions.quorum_followers.iter().copied().collect();
        self.tell_followers(followers, &Callback::Quorum(self.lease == Lease::Held), out);
    }

    fn tell_followers(
        &mut self,
        followers: Vec<SessionId>,
        what: &Callback,
        out: &mut Vec<Effect>,
    ) {
        for session in followers {
            if let Some(number) = self.sessions.next_callback(session) {
                let frame = encode(frame::CALLBACK, number, &mut what.clone());
                out.push(Effect::Callback(session, frame));
            }
        }
    }

    fn status(&self) -> Status {
        Status {
            cluster: self.config.cluster.clone(),
            name: self.config.name.clone(),
            id: self.me,
            leader: self.leader,
            lease: self.lease == Lease::Held,
            view: self.view.clone(),
            services: self.services.iter().map(|it| it.name().to_owned()).collect(),
            sessions: self.sessions.len() as u64,
        }
    }
}
