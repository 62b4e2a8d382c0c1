"""Layers on other machines, by llama.cpp's RPC."""
