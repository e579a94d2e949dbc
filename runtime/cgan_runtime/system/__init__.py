"""The operating system: signals, exit codes, processors."""
