//! Checkpoints: replicated program state that outlives processes and nodes.
