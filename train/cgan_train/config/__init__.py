"""Settings of a training run: schema, recipes, overrides, validation."""
