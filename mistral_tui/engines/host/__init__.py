"""Loaded models that several programs share."""
