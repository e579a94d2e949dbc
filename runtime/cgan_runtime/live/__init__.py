"""Live: a camera's picture in colour, in a window or on a page. Loaded by the command that shows it."""
