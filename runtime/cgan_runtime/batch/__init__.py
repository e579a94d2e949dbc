"""Many films and pictures: a folder on one machine or storage elsewhere, one process or a cluster."""
