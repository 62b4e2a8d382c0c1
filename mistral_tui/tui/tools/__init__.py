"""Tools on screen: the calls of a chat, questions about them, and the servers that have them."""
