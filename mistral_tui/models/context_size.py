"""How many tokens a context holds: the one rule for estimates before a load and for the load itself."""

LARGEST_DEFAULT = 8192
"""Tokens of one chat that are reserved unless the person asks for more: the KV cache is committed at once."""
BATCH_TOKENS = 512
"""Most tokens of one decode, unless the person asks for another number."""
SHARED_CELLS = 4096
"""Up to this many cells, every chat that may be in the context gets room of its own."""
LEAST_CHATS = 4
MOST_CHATS = 16
"""How many chats may be in the context at once, unless the person asks for another number."""


def chats_at_once(wanted: int | None, bytes_of_one: int, free_bytes: int) -> int:
    """Return how many chats may be in the context at once: as many as half of the free memory had room for.

    Args:
        wanted: `LoadOptions.max_seqs`.
        bytes_of_one: What the KV cache of one chat takes when its context is full; 0 if that is not known.
        free_bytes: Memory that is free beside the weights.
    """
    if wanted is not None:
        return wanted
    fitting = free_bytes // (2 * bytes_of_one) if bytes_of_one else 0
    return max(LEAST_CHATS, min(MOST_CHATS, fitting))


def context_of_one_chat(wanted: int | None, trained: int) -> int:
    """Return the context of one chat in tokens: what was asked for, else what the model was trained for, capped.

    Args:
        wanted: `LoadOptions.n_ctx`. More than `trained` is allowed; whoever loads says so.
        trained: What the model was trained for; 0 if its file does not say.
    """
    if wanted is not None:
        return wanted
    return min(trained, LARGEST_DEFAULT) if trained > 0 else LARGEST_DEFAULT


def kv_cells(n_ctx: int, max_seqs: int) -> int:
    """Return how many tokens the KV cache holds for all chats together, a multiple of 256.

    One chat can always fill its `n_ctx`. Small contexts get room for several full chats; with large ones the
    chats share the room of one, and the least recently used makes way.
    """
    cells = max(n_ctx, min(n_ctx * max_seqs, SHARED_CELLS))
    return -(-cells // 256) * 256
