"""Settings, folders and the data files that ship with the program."""
