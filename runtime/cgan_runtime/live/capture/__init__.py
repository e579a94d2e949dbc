"""Cameras and streams: the newest frame only."""
