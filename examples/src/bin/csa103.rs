//! The tutorial csa103 as a program: a component that AMF starts.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    match ais_examples::csa103::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("csa103: {failure}");
            ExitCode::FAILURE
        }
    }
}
