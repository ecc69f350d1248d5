//! What programs ask CLM, are answered, and are told.
