"""Variants of `edge`, trained for the same CPU time from the same start: quality against milliseconds.

python -m cgan_benchmarks.studies.variants --data photos/ --cpu-seconds 600
python -m cgan_benchmarks.studies.variants --data photos/ --time --json variants.json --image variants.png

Every variant trains its decoder on the encoder with ImageNet weights (the first phase of the recipe). It is
measured on every 40th photo, which no variant is trained on. CPU time, not wall time, gives all the same on a
busy machine. Trained variants are kept in a folder: a run that was stopped continues with the next one.
"""
