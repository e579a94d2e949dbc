"""cgan benchmarks: exported models measured against the PyTorch model that they came from."""
