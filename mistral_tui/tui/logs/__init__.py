"""What the program and its workers have logged, to be read on screen."""
