"""`cgan-bench layers`: milliseconds layer by layer."""
