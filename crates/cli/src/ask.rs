//! What is asked of a node.

use ais_client::{Amf, Ckpt, Clm, Endpoint, Node, Session, Watch};
use ais_types::{
    Error, ErrorCode, Name, Outcome, ServiceId, Version, amf, ckpt, clm, msg, node,
    resources::Object,
};

const PROGRAM: &str = "ais";

/// How the node is.
pub(crate) fn status(at: &Endpoint) -> Outcome<node::Status> {
    Node::<Session>::open(at, PROGRAM)?.status()
}

/// A handle of the membership.
pub(crate) fn membership(at: &Endpoint) -> Outcome<Clm<Session>> {
    Clm::<Session>::initialize(at, PROGRAM, clm::Api::B04, clm::Callbacks::default())
}

/// The nodes of the cluster.
pub(crate) fn nodes(at: &Endpoint) -> Outcome<clm::Configuration> {
    membership(at)?.configuration()
}

/// The membership, and its changes.
pub(crate) fn watch(at: &Endpoint) -> Outcome<Watch<Session>> {
    Watch::<Session>::open(at, PROGRAM)
}

/// What supervised processes have published.
pub(crate) fn resources(at: &Endpoint) -> Outcome<Vec<Object>> {
    Node::<Session>::open(at, PROGRAM)?.resources()
}

/// What one of them has published.
pub(crate) fn resource(at: &Endpoint, pid: u32) -> Outcome<Object> {
    let found = resources(at)?.into_iter().find(|object| object.pid == pid);
    found.ok_or_else(|| {
        let text = format!("process {pid} has published nothing at this node; see `ais sam list`");
        Error::new(ErrorCode::NotExist, text)
    })
}

/// Removes what this process has left behind.
pub(crate) fn forget(at: &Endpoint, pid: u32) -> Outcome<()> {
    Node::<Session>::open(at, PROGRAM)?.forget(pid)
}

/// The checkpoints.
pub(crate) fn checkpoints(at: &Endpoint) -> Outcome<Vec<ckpt::Listed>> {
    Ckpt::<Session>::observe(at, PROGRAM)?.list()
}

/// The queues.
pub(crate) fn queues(at: &Endpoint) -> Outcome<Vec<msg::Listed>> {
    let session = Session::open(at, ServiceId::MSG, Version::b(1, 1), PROGRAM)?;
    match session.call(msg::Call::List)? {
        msg::Reply::List(queues) => Ok(queues),
        other => Err(strange(&other)),
    }
}

/// What is kept available.
pub(crate) fn amf_state(at: &Endpoint) -> Outcome<amf::State> {
    amf(at)?.state()
}

/// Why an object is as it is.
pub(crate) fn explain(at: &Endpoint, object: &str) -> Outcome<Vec<amf::Cause>> {
    amf(at)?.explain(&name(object)?)
}

/// An operator's order; returns when its effects are complete, however long that takes.
pub(crate) fn admin(at: &Endpoint, object: &str, operation: amf::AdminOperation) -> Outcome<()> {
    amf(at)?.admin(&name(object)?, operation)
}

fn amf(at: &Endpoint) -> Outcome<Amf<Session>> {
    Amf::<Session>::initialize(at, PROGRAM, amf::Api::B04, amf::Callbacks::default())
}

pub(crate) fn name(text: &str) -> Outcome<Name> {
    Name::new(text).map_err(|error| {
        Error::new(ErrorCode::NameTooLong, format!("{text:?}: {error}; no object has such a name"))
    })
}

fn strange(reply: &impl std::fmt::Debug) -> Error {
    Error::new(ErrorCode::Library, format!("an answer to another question: {reply:?}"))
}
