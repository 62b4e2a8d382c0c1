"""What chats keep in the context between their turns, and on disk."""
