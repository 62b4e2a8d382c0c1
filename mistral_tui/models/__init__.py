"""What can be run: the inventory, GGUF headers, memory estimates, downloads."""
