"""What every process that the program starts for itself has: frames to talk in, a log, and an end with its parent."""
