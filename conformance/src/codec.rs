//! Calls of any service to frames, and frames back to what programs are answered and told.

use ais_conformance_core::{AnyCall, AnyCallback, AnyReply};
use ais_types::{Error, ErrorCode, Outcome, ServiceId, frame};
use ais_wire::{DecodeError, Frame, decode, encode};

macro_rules! codec {
    ($($variant:ident $module:ident $id:ident,)*) => {
        /// The frame of a call.
        pub(crate) fn call_frame(tag: u64, call: AnyCall) -> Frame {
            match call { $(AnyCall::$variant(mut it) => encode(frame::CALL, tag, &mut it),)* }
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

fn nonsense(error: &DecodeError) -> Error {
    Error::new(ErrorCode::Library, format!("the node sent nonsense: {error}"))
}

fn no_service(service: ServiceId) -> Error {
    Error::new(ErrorCode::Library, format!("service {} has no vocabulary", service.0))
}
