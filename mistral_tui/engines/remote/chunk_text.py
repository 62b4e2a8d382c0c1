"""Text that arrives as JSON strings: valid Unicode, also where a character was cut in two."""


class ChunkText:
    """Joins halves of characters that come in different strings.

    Some servers cut a string between the two surrogates that JSON writes an emoji with. A half without its other half
    becomes U+FFFD.
    """

    def __init__(self) -> None:
        self._half = ""

    def feed(self, text: str) -> str:
        """Return what is whole of the text so far."""
        text = self._half + text
        self._half = ""
        if text.isascii():
            return text
        if "\ud800" <= text[-1:] <= "\udbff":
            text, self._half = text[:-1], text[-1:]
        return _whole(text)

    def flush(self) -> str:
        """Return what stands for a half that is left."""
        text, self._half = self._half, ""
        return _whole(text)


def _whole(text: str) -> str:
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
