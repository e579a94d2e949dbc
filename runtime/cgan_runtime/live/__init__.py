"""Live: a camera's image in color, in a window or on a page. Loaded by the command that shows it."""
