"""What stands around the text box of a prompt: files that go along, completions, prompts that wait, and dialogs."""
