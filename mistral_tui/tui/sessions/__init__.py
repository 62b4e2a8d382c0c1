"""The list of chats at the left."""
