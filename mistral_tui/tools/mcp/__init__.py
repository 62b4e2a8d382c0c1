"""The MCP client: one task a server, in the process of the tools."""
