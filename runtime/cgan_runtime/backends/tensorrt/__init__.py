"""What the `tensorrt` back end is made of, and `cgan-export` builds engines with."""
