"""The conversation: its tree of messages, the turn, and what front ends drive."""
