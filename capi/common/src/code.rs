//! The guard at the border: what a function does becomes a code, and a panic stays here.

use crate::types::{SA_AIS_OK, SaAisErrorT};
use ais_types::{Error, ErrorCode};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Once, OnceLock},
};

/// The variable that makes the libraries tell, on standard error, what failed and why.
const TRACE_VARIABLE: &str = "AIS_C_TRACE";

/// Why a function does not return OK.
pub type Failure = Error;

/// A failure with its story.
pub fn fail(code: ErrorCode, text: impl Into<String>) -> Failure {
    Error::new(code, text)
}

/// `SA_AIS_ERR_INVALID_PARAM`.
pub fn invalid(text: impl Into<String>) -> Failure {
    fail(ErrorCode::InvalidParam, text)
}

/// `SA_AIS_ERR_BAD_HANDLE`.
#[must_use]
pub fn bad_handle() -> Failure {
    let text = "no such handle in this process: never issued, of another kind, closed, or of a \
                parent that was finalized";
    fail(ErrorCode::BadHandle, text)
}

/// The number of an outcome that is told in a callback.
#[must_use]
pub fn number_of(code: Option<ErrorCode>) -> SaAisErrorT {
    code.map_or(SA_AIS_OK, ErrorCode::number)
}

/// Runs the body of an exported function.
pub fn entry(function: &'static str, body: impl FnOnce() -> Result<(), Failure>) -> SaAisErrorT {
    be_silent();
    // What a panic left half done is given up with the handle: nothing of it is looked at again
    // but through locks that do not mind poison.
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => SA_AIS_OK,
        Ok(Err(failure)) => {
            trace(function, &failure);
            failure.code.number()
        }
        Err(_) => {
            trace(function, &fail(ErrorCode::Library, "a defect of the library"));
            ErrorCode::Library.number()
        }
    }
}

/// A library has its own copy of the standard library: this hook is nobody else's.
fn be_silent() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if !traced() {
            std::panic::set_hook(Box::new(|_| {}));
        }
    });
}

fn traced() -> bool {
    static TRACED: OnceLock<bool> = OnceLock::new();
    *TRACED.get_or_init(|| std::env::var_os(TRACE_VARIABLE).is_some_and(|it| it != "0"))
}

fn trace(function: &str, failure: &Failure) {
    use std::io::Write;
    if traced() {
        // A program without standard error is not to be hurt.
        let _ = writeln!(std::io::stderr(), "ais: {function}: {failure}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_code() {
        assert_eq!(entry("f", || panic!("a defect")), ErrorCode::Library.number());
        assert_eq!(entry("f", || Err(bad_handle())), 9);
        assert_eq!(entry("f", || Ok(())), 1);
    }
}
