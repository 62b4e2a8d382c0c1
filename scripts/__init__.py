"""The build script and its steps; standard library only, since it runs before anything is installed."""
