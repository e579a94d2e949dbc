"""Training images: CIFAR-10, folders of photos, tar shards of photos."""
