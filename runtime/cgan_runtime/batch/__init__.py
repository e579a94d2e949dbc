"""Many videos and images: a folder here or on remote storage, in one process, in several, or on a cluster."""
