"""What is kept of an unfinished video, so that a later run can resume it."""
