"""The child process that talks with MCP servers, and that tools run in."""
