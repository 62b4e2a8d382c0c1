"""Where models are found that no inventory names: one file for each kind of place."""
