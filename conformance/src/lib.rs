//! Scenarios written from the specification, and the runner that judges any implementation by them.
