"""Where results go: atomic files, staging folders, locks, pipes, numbered images, remote storage."""
