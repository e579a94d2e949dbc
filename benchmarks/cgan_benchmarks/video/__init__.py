"""`cgan-bench --video`: a video's stages beside decoding and encoding alone."""
