"""The terminal interface. Textual is imported nowhere else."""
