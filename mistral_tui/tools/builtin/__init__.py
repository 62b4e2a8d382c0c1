"""The program's own tools: files below one folder, commands, and what time it is."""
