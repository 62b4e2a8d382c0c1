"""Models of the Hugging Face hub: which files of a repository are wanted, and fetching them."""
