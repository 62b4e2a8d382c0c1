"""The interface in a browser: every tab is a program of its own, behind a token."""
