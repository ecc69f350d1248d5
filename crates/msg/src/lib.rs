//! Message queues: named, replicated, taken over by whoever opens them next.
