//! The words of each service in scenarios: how a call is written, how an answer is printed.
//!
//! One module a service, with four functions:
//!
//! - `initialize() -> Call`: what is called when a scenario does not say so itself: the newest
//!   version, all callbacks;
//! - `call(&mut Words, &Names) -> Result<Call, String>`: reads a call (the first word is the verb);
//! - `reply(&Reply, &Names) -> String`: the canonical text: `OK …`, or `ERR_…` where a reply stands
//!   for an error with more to say;
//! - `callback(&Callback, &Names) -> String`: the canonical text.
//!
//! Handles are printed as numbers, so that scenarios can bind them: `= OK $h`.

pub mod amf;
pub mod ckpt;
pub mod clm;
pub mod msg;

mod words;

pub use words::{Names, Words, bytes_text, duration, time_text};

use ais_types::{Error, ServiceId};

macro_rules! services {
    ($($variant:ident $module:ident $id:ident,)*) => {
        /// A call of any service.
        #[derive(Clone, Debug, PartialEq)]
        pub enum AnyCall { $(#[doc = stringify!($module)] $variant(ais_types::$module::Call),)* }

        /// A reply of any service.
        #[derive(Clone, Debug, PartialEq)]
        pub enum AnyReply { $(#[doc = stringify!($module)] $variant(ais_types::$module::Reply),)* }

        /// A callback of any service.
        #[derive(Clone, Debug, PartialEq)]
        pub enum AnyCallback { $(#[doc = stringify!($module)] $variant(ais_types::$module::Callback),)* }

        impl AnyCall {
            /// Whose call it is.
            #[must_use]
            pub fn service(&self) -> ServiceId {
                match self { $(Self::$variant(_) => ServiceId::$id,)* }
            }

            /// What opens a handle when a scenario does not say so itself.
            #[must_use]
            pub fn initialize(service: ServiceId) -> Option<Self> {
                $(if service == ServiceId::$id {
                    return Some(Self::$variant($module::initialize()));
                })*
                None
            }

            /// Reads a call of a service.
            ///
            /// # Errors
            /// What is wrong with the words.
            pub fn read(service: ServiceId, words: &mut Words, names: &Names) -> Result<Self, String> {
                $(if service == ServiceId::$id {
                    let call = $module::call(words, names)?;
                    words.end()?;
                    return Ok(Self::$variant(call));
                })*
                Err(format!("service {} has no vocabulary yet", service.0))
            }
        }

        impl AnyReply {
            /// As scenarios write it.
            #[must_use]
            pub fn text(&self, names: &Names) -> String {
                match self { $(Self::$variant(it) => $module::reply(it, names),)* }
            }
        }

        impl AnyCallback {
            /// As scenarios write it.
            #[must_use]
            pub fn text(&self, names: &Names) -> String {
                match self { $(Self::$variant(it) => $module::callback(it, names),)* }
            }
        }

        /// The service of this name in scenarios.
        #[must_use]
        pub fn service(name: &str) -> Option<ServiceId> {
            $(if name == stringify!($module) { return Some(ServiceId::$id); })*
            None
        }

        /// The names of the services that have a vocabulary.
        pub const SERVICES: &[&str] = &[$(stringify!($module),)*];
    };
}

/// Hands the list of services to a macro, as `Variant module ID,`. Adapters use it too, so that a
/// service joins with one line here and its module beside this file.
#[macro_export]
macro_rules! for_each_service {
    ($then:ident) => {
        $then! {
            Ckpt ckpt CKPT,
            Clm clm CLM,
            Msg msg MSG,
            Amf amf AMF,
        }
    };
}

for_each_service!(services);

/// How an outcome is written in scenarios.
#[must_use]
pub fn outcome_text(outcome: &Result<AnyReply, Error>, names: &Names) -> String {
    match outcome {
        Ok(reply) => reply.text(names),
        Err(error) => match error.index {
            None => error.code.short_name().to_owned(),
            Some(index) => format!("{} index={index}", error.code.short_name()),
        },
    }
}
