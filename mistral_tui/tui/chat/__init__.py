"""One chat on screen: the transcript, its messages, the prompt and the status line."""
