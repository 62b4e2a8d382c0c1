"""From the bytes of tokens to valid text."""

import codecs


class TextDecoder:
    """Joins the pieces of tokens: a character may be spread over several of them.

    Bytes that are no UTF-8 become U+FFFD. Each piece costs the same, however long the reply is.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, piece: bytes) -> str:
        """Return the text that is complete with `piece`; may be empty."""
        return self._decoder.decode(piece)

    def flush(self) -> str:
        """Return what is left at the end of a reply: U+FFFD for a character that was never completed."""
        return self._decoder.decode(b"", final=True)
