//! The node daemon: a node, its configuration, its local socket, and the keeper of its components.
