//! What programs ask MSG, are answered, and are told.
