//! What programs ask CKPT, are answered, and are told.
