"""Steady color in videos: carried along the motion, never across a cut."""
