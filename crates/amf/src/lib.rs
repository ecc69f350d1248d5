//! Availability management: which component is active, and who takes over.
