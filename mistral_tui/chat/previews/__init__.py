"""Pictures and recordings as so few pixels and bars that a terminal can show them."""
