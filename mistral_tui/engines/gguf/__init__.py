"""The engine for GGUF models, on llama-cpp-python's low-level API. llama_cpp is imported nowhere else."""
