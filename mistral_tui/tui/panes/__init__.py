"""Panes: several chats in view, in tabs and side by side."""
