"""Documents that are given along with a prompt: their text, and what is given of one that is too long."""
