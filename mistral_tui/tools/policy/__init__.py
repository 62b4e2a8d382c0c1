"""Which calls may be made: what the person has written into a file, said in a chat, or said for good."""
