//! The error codes of the specification, and an error that carries one with its story.

use alloc::string::String;
use core::fmt;
use serde::{Deserialize, Serialize};

/// What a call of any service ends with.
pub type Outcome<T> = Result<T, Error>;

/// An AIS code together with a text that names the object, the broken rule and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error {
    /// The code the specification gives to this failure.
    pub code: ErrorCode,
    /// For people: which object, which rule, what to do.
    pub text: String,
    /// The element of a vector at fault (`saCkptCheckpointRead`, `saCkptCheckpointWrite`).
    pub index: Option<u32>,
}

impl Error {
    /// An error with its story.
    pub fn new(code: ErrorCode, text: impl Into<String>) -> Self {
        Self { code, text: text.into(), index: None }
    }

    /// The same error, blamed on one element of a vector.
    #[must_use]
    pub fn at(self, index: u32) -> Self {
        Self { index: Some(index), ..self }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.text, self.code)
    }
}

impl core::error::Error for Error {}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $number:literal, $name:literal;)*) => {
        /// `SaAisErrorT` without OK, which is `Result::Ok`.
        #[doc(alias = "SaAisErrorT")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[repr(u32)]
        pub enum ErrorCode { $($(#[$doc])* #[doc(alias = $name)] $variant = $number,)* }

        impl ErrorCode {
            /// Every code, in the order of the numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in the C headers, e.g. `SA_AIS_ERR_NOT_EXIST`.
            #[must_use]
            pub const fn c_name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The code with this number; `None` for 1 (OK) and for numbers never given.
            #[must_use]
            pub const fn from_number(number: u32) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

codes! {
    /// The library is broken; the outcome is unspecified.
    Library = 2, "SA_AIS_ERR_LIBRARY";
    /// Version not compatible, or the function is newer than the client's version.
    Version = 3, "SA_AIS_ERR_VERSION";
    /// A callback that this call needs was not registered.
    Init = 4, "SA_AIS_ERR_INIT";
    /// Time ran out; the outcome is unspecified.
    Timeout = 5, "SA_AIS_ERR_TIMEOUT";
    /// Not now; the call had no effect.
    TryAgain = 6, "SA_AIS_ERR_TRY_AGAIN";
    /// A parameter is wrong.
    InvalidParam = 7, "SA_AIS_ERR_INVALID_PARAM";
    /// Out of memory.
    NoMemory = 8, "SA_AIS_ERR_NO_MEMORY";
    /// A handle never issued, closed, or whose parent is finalized.
    BadHandle = 9, "SA_AIS_ERR_BAD_HANDLE";
    /// The resource is in use.
    Busy = 10, "SA_AIS_ERR_BUSY";
    /// The access mode does not allow it.
    Access = 11, "SA_AIS_ERR_ACCESS";
    /// The named thing is not there.
    NotExist = 12, "SA_AIS_ERR_NOT_EXIST";
    /// The name is longer than allowed.
    NameTooLong = 13, "SA_AIS_ERR_NAME_TOO_LONG";
    /// The thing is there already.
    Exist = 14, "SA_AIS_ERR_EXIST";
    /// A buffer or a configured maximum is too small.
    NoSpace = 15, "SA_AIS_ERR_NO_SPACE";
    /// The blocking call was cancelled.
    Interrupt = 16, "SA_AIS_ERR_INTERRUPT";
    /// Kept for its number.
    NameNotFound = 17, "SA_AIS_ERR_NAME_NOT_FOUND";
    /// Out of a resource other than memory.
    NoResources = 18, "SA_AIS_ERR_NO_RESOURCES";
    /// An optional feature is absent.
    NotSupported = 19, "SA_AIS_ERR_NOT_SUPPORTED";
    /// Not allowed for this kind or state of object.
    BadOperation = 20, "SA_AIS_ERR_BAD_OPERATION";
    /// The requested operation failed.
    FailedOperation = 21, "SA_AIS_ERR_FAILED_OPERATION";
    /// Communication failed.
    MessageError = 22, "SA_AIS_ERR_MESSAGE_ERROR";
    /// The queue has no room for the message.
    QueueFull = 23, "SA_AIS_ERR_QUEUE_FULL";
    /// The queue group has no member to take the message.
    QueueNotAvailable = 24, "SA_AIS_ERR_QUEUE_NOT_AVAILABLE";
    /// The flag word is invalid.
    BadFlags = 25, "SA_AIS_ERR_BAD_FLAGS";
    /// Larger than the implementation's limit.
    TooBig = 26, "SA_AIS_ERR_TOO_BIG";
    /// The iteration over sections has ended.
    NoSections = 27, "SA_AIS_ERR_NO_SECTIONS";
    /// There is nothing to do.
    NoOp = 28, "SA_AIS_ERR_NO_OP";
    /// Done, but a repair is still pending.
    RepairPending = 29, "SA_AIS_ERR_REPAIR_PENDING";
    /// Naming service.
    NoBindings = 30, "SA_AIS_ERR_NO_BINDINGS";
    /// The client's node is no member of the cluster.
    Unavailable = 31, "SA_AIS_ERR_UNAVAILABLE";
    /// Software management.
    CampaignErrorDetected = 32, "SA_AIS_ERR_CAMPAIGN_ERROR_DETECTED";
    /// Software management.
    CampaignProcFailed = 33, "SA_AIS_ERR_CAMPAIGN_PROC_FAILED";
    /// Software management.
    CampaignCanceled = 34, "SA_AIS_ERR_CAMPAIGN_CANCELED";
    /// Software management.
    CampaignFailed = 35, "SA_AIS_ERR_CAMPAIGN_FAILED";
    /// Software management.
    CampaignSuspended = 36, "SA_AIS_ERR_CAMPAIGN_SUSPENDED";
    /// Software management.
    CampaignSuspending = 37, "SA_AIS_ERR_CAMPAIGN_SUSPENDING";
    /// A security policy forbids it.
    AccessDenied = 38, "SA_AIS_ERR_ACCESS_DENIED";
    /// Not ready yet.
    NotReady = 39, "SA_AIS_ERR_NOT_READY";
    /// Deployment.
    Deployment = 40, "SA_AIS_ERR_DEPLOYMENT";
}

impl ErrorCode {
    /// The number in the C headers.
    #[must_use]
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// The name without its prefix, e.g. `ERR_NOT_EXIST`: what scenarios and people write.
    #[must_use]
    pub fn short_name(self) -> &'static str {
        self.c_name().trim_start_matches("SA_AIS_")
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.c_name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_run_from_2_to_40_without_a_gap() {
        let numbers: alloc::vec::Vec<u32> = ErrorCode::ALL.iter().map(|it| it.number()).collect();
        assert_eq!(numbers, (2..=40).collect::<alloc::vec::Vec<u32>>());
    }

    #[test]
    fn ok_is_not_an_error_code() {
        assert_eq!(ErrorCode::from_number(1), None);
        assert_eq!(ErrorCode::from_number(12), Some(ErrorCode::NotExist));
    }
}
