"""Measuring a generator: metrics, contact sheets, agreement of two models."""
