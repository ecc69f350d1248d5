//! Deterministic simulation of a whole cluster: network, faults, invariants.
