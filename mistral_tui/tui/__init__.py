"""The terminal interface. Textual is imported nowhere else."""

import os

# Textual draws what changed at the next tick of its clock, 60 times a second unless told otherwise before its import.
# While a reply streams that clock runs, and a key press waits for it. It rests when nothing changes.
os.environ.setdefault("TEXTUAL_FPS", "120")
