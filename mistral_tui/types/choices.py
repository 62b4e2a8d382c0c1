"""What a person chooses among by name, apart from the structs that hold it: the command line needs it first of all."""

from typing import Literal

KvType = Literal["f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0"]
FlashAttention = Literal["auto", "on", "off"]
Discoverable = Literal["huggingface", "lmstudio", "ollama", "here", "none"]
"""Where models are looked for beside the inventory and named folders: others' stores, the working folder."""
ContextPolicy = Literal["drop", "shift", "stop"]
"""When the context is full: leave out the oldest turns, give up the oldest tokens and go on, or stop."""
SandboxMode = Literal["strict", "permissive", "none"]
"""How commands run that a model calls: `strict`: confined, or not at all; `permissive`: confined where the system can
do that; `none`: not confined."""
