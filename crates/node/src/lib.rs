//! Drives services: routes calls, entries and messages; a library to embed a node.
