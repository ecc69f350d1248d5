//! What the C libraries have in common.
//!
//! A library is a crate of its own with the functions of one header; everything that has nothing
//! to do with its service is here, and the layouts of all headers: handles ([`Handles`]), the guard at the border ([`entry`]),
//! names and other values ([`types`], [`name`]), memory that C frees ([`Loans`]), the selection
//! object and the library handle ([`Library`]).
//!
//! The rules of the border:
//! - no panic crosses it: every function runs in [`entry`];
//! - no pointer is followed before it is known not to be NULL; a pointer that is not NULL is the
//!   caller's word, as it is in C;
//! - no lock is held while a callback runs or a call waits;
//! - nothing is printed, unless `AIS_C_TRACE` is set.

pub mod ckpt;
pub mod clm;
pub mod name;
pub mod types;

mod children;
mod code;
mod handles;
mod library;
mod loans;
mod pointer;

pub use children::Children;
pub use code::{Failure, bad_handle, entry, fail, invalid, number_of};
pub use handles::Handles;
pub use library::{Library, Rules, Selection, program};
pub use loans::{Loans, allocate};
pub use pointer::{Out, optional, required, slice};
