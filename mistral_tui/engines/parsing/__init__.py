"""What a model wrote, taken apart while it is written: text, reasoning and tool calls, whatever the notation."""
