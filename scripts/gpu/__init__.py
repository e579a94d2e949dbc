"""The parts of scripts/gpu_check.py: what a run is, its steps, and what they ask of other Pythons."""
