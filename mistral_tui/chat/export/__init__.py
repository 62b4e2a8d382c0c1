"""Sessions as files: Markdown and HTML to read, JSON and JSONL to keep and to bring back."""
