"""The panel of figures: how fast replies come, what they take, and who waits."""
