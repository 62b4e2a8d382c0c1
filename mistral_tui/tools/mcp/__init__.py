"""MCP servers: where they are configured, which are trusted, and how they are talked with."""
