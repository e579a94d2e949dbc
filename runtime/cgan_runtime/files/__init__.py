"""Files: outputs that appear only when complete, locks, pipes, image sequences, URLs and remote storage."""
