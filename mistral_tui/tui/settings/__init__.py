"""How the screen looks: themes from TOML files."""
