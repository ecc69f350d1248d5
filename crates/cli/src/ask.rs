//! What is asked of a node.

use ais_client::{Endpoint, Node, Patience, Session};
use ais_types::{
    Error, ErrorCode, Name, Outcome, ServiceId, TrackFlags, Version, amf, ckpt, clm, node,
};

const PROGRAM: &str = "ais";

/// How the node is.
pub(crate) fn status(at: &Endpoint) -> Outcome<node::Status> {
    Node::<Session>::open(at, PROGRAM)?.status()
}

/// The members.
pub(crate) fn members(at: &Endpoint) -> Outcome<clm::Notification> {
    let version = Version::b(4, 1);
    let session = Session::open(at, ServiceId::CLM, version, PROGRAM)?;
    let callbacks = clm::Callbacks::default();
    let initialize = clm::Call::Initialize { api: clm::Api::B04, version, callbacks };
    session.call::<_, clm::Reply>(initialize)?;
    let track = clm::Call::Track {
        api: clm::Api::B04,
        flags: TrackFlags::CURRENT,
        buffer: clm::Buffer::Library,
    };
    match session.call(track)? {
        clm::Reply::Current(members) => Ok(members),
        other => Err(strange(&other)),
    }
}

/// The checkpoints.
pub(crate) fn checkpoints(at: &Endpoint) -> Outcome<Vec<ckpt::Listed>> {
    let session = Session::open(at, ServiceId::CKPT, Version::b(2, 2), PROGRAM)?;
    match session.call(ckpt::Call::List)? {
        ckpt::Reply::List(checkpoints) => Ok(checkpoints),
        other => Err(strange(&other)),
    }
}

/// What is kept available.
pub(crate) fn amf_state(at: &Endpoint) -> Outcome<amf::State> {
    match amf(at, amf::Call::State, Patience::USUAL)? {
        amf::Reply::State(state) => Ok(state),
        other => Err(strange(&other)),
    }
}

/// Why an object is as it is.
pub(crate) fn explain(at: &Endpoint, object: &str) -> Outcome<Vec<amf::Cause>> {
    match amf(at, amf::Call::Explain { object: name(object)? }, Patience::USUAL)? {
        amf::Reply::Causes(causes) => Ok(causes),
        other => Err(strange(&other)),
    }
}

/// An operator's order; returns when its effects are complete, however long that takes.
pub(crate) fn admin(at: &Endpoint, object: &str, operation: amf::AdminOperation) -> Outcome<()> {
    let call = amf::Call::Admin { object: name(object)?, operation };
    amf(at, call, Patience::ENDLESS).map(|_| ())
}

fn amf(at: &Endpoint, call: amf::Call, patience: Patience) -> Outcome<amf::Reply> {
    let session = Session::open(at, ServiceId::AMF, Version::b(4, 1), PROGRAM)?;
    session.call_within(call, patience)
}

fn name(text: &str) -> Outcome<Name> {
    Name::new(text).map_err(|error| {
        Error::new(ErrorCode::NameTooLong, format!("{text:?}: {error}; no object has such a name"))
    })
}

fn strange(reply: &impl std::fmt::Debug) -> Error {
    Error::new(ErrorCode::Library, format!("an answer to another question: {reply:?}"))
}
