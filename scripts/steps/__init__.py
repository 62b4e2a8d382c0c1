"""What the build script does: `plan` says which commands a step runs, the other files run them."""
