"""What the screen says and asks about models: loading, fetching the starter, choosing a chat template."""
