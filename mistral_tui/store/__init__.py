"""What is remembered: sessions and messages in SQLite."""
