"""One study a file: `python -m cgan_benchmarks.studies.NAME`."""
