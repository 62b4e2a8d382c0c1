"""Where tokens come from: engines, the worker processes they live in, and the pool that holds them."""
