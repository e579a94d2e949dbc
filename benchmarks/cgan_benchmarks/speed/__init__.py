"""`cgan-bench`: latency and throughput of every engine, in turns."""
