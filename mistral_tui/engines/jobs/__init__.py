"""What is done with a model besides answering: quantizing, tuning, measuring."""
