"""The page that colors in the browser: a folder for any web server, with the engine and a model."""
