"""Which request computes what, and when."""
