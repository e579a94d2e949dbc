"""Reads cameras, streams and video files; a camera always hands out its newest frame."""
