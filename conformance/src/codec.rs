//! Calls of any service to frames, and frames back to what programs are answered and told.

use ais_client::{AsyncSession, Patience, Wait};
use ais_conformance_core::{AnyCall, AnyCallback, AnyReply};
use ais_types::{Error, ErrorCode, Outcome, ServiceId, Version, amf, ckpt, clm, frame, msg};
use ais_wire::{DecodeError, Frame, decode, encode};

macro_rules! codec {
    ($($variant:ident $module:ident $id:ident,)*) => {
        /// The frame of a call.
        pub(crate) fn call_frame(tag: u64, call: AnyCall) -> Frame {
            match call { $(AnyCall::$variant(mut it) => encode(frame::CALL, tag, &mut it),)* }
        }

        /// The call in a frame.
        pub(crate) fn call_of(service: ServiceId, frame: &Frame) -> Outcome<AnyCall> {
            $(if service == ServiceId::$id {
                return match decode::<ais_types::$module::Call>(frame) {
                    Ok(it) => Ok(AnyCall::$variant(it)),
                    Err(error) => Err(nonsense(&error)),
                };
            })*
            Err(no_service(service))
        }

        /// The frame of what a call was answered.
        pub(crate) fn reply_frame(tag: u64, outcome: Outcome<AnyReply>) -> Frame {
            match outcome {
                $(Ok(AnyReply::$variant(it)) => {
                    encode(frame::REPLY, tag, &mut Outcome::<ais_types::$module::Reply>::Ok(it))
                })*
                Err(error) => encode(frame::REPLY, tag, &mut Outcome::<()>::Err(error)),
            }
        }

        /// The frame of a callback.
        pub(crate) fn callback_frame(callback: AnyCallback) -> Frame {
            match callback {
                $(AnyCallback::$variant(mut it) => encode(frame::CALLBACK, 0, &mut it),)*
            }
        }

        /// Makes a call on a session of this implementation's own library.
        pub(crate) async fn ask(session: &AsyncSession, call: AnyCall) -> Outcome<AnyReply> {
            match call {
                $(AnyCall::$variant(call) => session
                    .call_within::<_, ais_types::$module::Reply>(call, Patience::ENDLESS)
                    .await
                    .map(AnyReply::$variant),)*
            }
        }

        /// The next callback on a session of this implementation's own library.
        pub(crate) async fn next_callback(
            session: &AsyncSession,
            service: ServiceId,
            wait: Wait,
        ) -> Outcome<Option<AnyCallback>> {
            $(if service == ServiceId::$id {
                let callback = session.next_callback::<ais_types::$module::Callback>(wait).await?;
                return Ok(callback.map(AnyCallback::$variant));
            })*
            Err(no_service(service))
        }

        /// What a reply frame says.
        pub(crate) fn reply_of(service: ServiceId, frame: &Frame) -> Outcome<AnyReply> {
            $(if service == ServiceId::$id {
                return match decode::<Outcome<ais_types::$module::Reply>>(frame) {
                    Ok(outcome) => outcome.map(AnyReply::$variant),
                    Err(error) => Err(nonsense(&error)),
                };
            })*
            Err(no_service(service))
        }

        /// What a callback frame says.
        pub(crate) fn callback_of(service: ServiceId, frame: &Frame) -> Outcome<AnyCallback> {
            $(if service == ServiceId::$id {
                return match decode::<ais_types::$module::Callback>(frame) {
                    Ok(it) => Ok(AnyCallback::$variant(it)),
                    Err(error) => Err(nonsense(&error)),
                };
            })*
            Err(no_service(service))
        }
    };
}

ais_conformance_core::for_each_service!(codec);

/// The version that a program asks for, if this call is its `Initialize`.
pub(crate) fn version_of(call: &AnyCall) -> Version {
    match call {
        AnyCall::Ckpt(ckpt::Call::Initialize { version, .. })
        | AnyCall::Clm(clm::Call::Initialize { version, .. })
        | AnyCall::Msg(msg::Call::Initialize { version, .. })
        | AnyCall::Amf(amf::Call::Initialize { version, .. }) => *version,
        AnyCall::Ckpt(_) | AnyCall::Clm(_) | AnyCall::Msg(_) | AnyCall::Amf(_) => Version::b(1, 1),
    }
}

/// What a handle is told that is stale.
pub(crate) fn stale_of(frame: &Frame) -> Outcome<()> {
    decode::<Outcome<()>>(frame).map_err(|error| nonsense(&error))?
}

fn nonsense(error: &DecodeError) -> Error {
    Error::new(ErrorCode::Library, format!("the node sent nonsense: {error}"))
}

fn no_service(service: ServiceId) -> Error {
    Error::new(ErrorCode::Library, format!("service {} has no vocabulary", service.0))
}
