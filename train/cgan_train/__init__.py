"""cgan training: conditional-GAN colourisers in PyTorch."""
