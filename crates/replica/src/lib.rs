//! Primary-backup replication of one object: the data path that checkpoints and queues share.
