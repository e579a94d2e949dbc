"""`cgan-doctor`: what works on this machine, tried, and what to do where not."""
