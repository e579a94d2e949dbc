"""cgan training: conditional-GAN colorizers in PyTorch."""
