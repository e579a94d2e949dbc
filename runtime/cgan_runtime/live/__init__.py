"""Live color: a camera in a window or on a web page. Imported only by the commands that show it."""
