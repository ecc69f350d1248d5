//! The tutorial csa104 as a program: a component that AMF starts.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    match ais_examples::csa104::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("csa104: {failure}");
            ExitCode::FAILURE
        }
    }
}
