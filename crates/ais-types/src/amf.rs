//! What programs ask AMF, are answered, and are told.
