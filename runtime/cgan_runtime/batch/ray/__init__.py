"""Workers on a cluster, by Ray."""
