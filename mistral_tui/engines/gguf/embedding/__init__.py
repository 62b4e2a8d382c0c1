"""Vectors and scores instead of replies."""
