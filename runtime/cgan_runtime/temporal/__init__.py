"""Steady color: cuts, motion and the temporal filter."""
