"""Sessions from files: our own exports, those of ChatGPT and Claude, and oterm's database."""
