"""What a model may call: tools of MCP servers and of the program itself, in a process of their own."""
