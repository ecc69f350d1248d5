//! Cluster membership: who is in the cluster, and who hears of it.
