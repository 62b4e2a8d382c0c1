"""Finding out what can be done: the help screen and the command palette."""
