"""Models that run elsewhere, behind OpenAI's HTTP API: vLLM, SGLang, llama-server, Ollama, Ray Serve, mistral.rs.

Nothing is loaded here; an engine is an endpoint and the name that the server has for a model.
"""
