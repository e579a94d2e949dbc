"""Inference back ends: one contract, one file for each engine."""
