"""Many videos and images: a folder on one machine or storage elsewhere, one process or a cluster."""
