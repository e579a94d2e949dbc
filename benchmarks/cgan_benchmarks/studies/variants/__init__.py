"""Variants of `edge`, trained for the same processor time from the same start: quality against milliseconds.

python -m cgan_benchmarks.variants --data photos/ --cpu-seconds 600
python -m cgan_benchmarks.variants --data photos/ --time --json variants.json --image variants.png

Every variant trains its decoder on the encoder with ImageNet weights (the first phase of the recipe), and is
measured on every 40th photo, which none of them sees. Processor time, not wall time, so that a busy machine
gives all the same. What is trained stays in a folder; a run that was stopped goes on with the next variant.
"""
