"""What the program must be good at, measured against a reference in the same run: `python -m benchmarks [NAME…]`."""
