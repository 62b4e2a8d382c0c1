"""Pictures and recordings: read, encoded, and placed among the tokens."""
