"""A small model that guesses what the large one writes."""
