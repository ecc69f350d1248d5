//! ais: the operators' command.
