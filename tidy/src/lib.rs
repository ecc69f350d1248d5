//! Rules of the house, kept by tests: see `tests/`.
