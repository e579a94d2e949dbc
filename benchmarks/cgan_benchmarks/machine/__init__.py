"""The machine that is measured on: description, environment, memory, peak."""
