"""Harmony, the notation of gpt-oss: a reply is a row of messages, each with a channel and perhaps a recipient.

`<|channel|>analysis<|message|>…<|end|>`, then perhaps
`<|start|>assistant<|channel|>commentary to=functions.NAME <|constrain|>json<|message|>{…}<|call|>` or
`<|start|>assistant<|channel|>final<|message|>…<|return|>`.
"""

import re
from typing import Final

from mistral_tui.engines.parsing import json_calls
from mistral_tui.engines.parsing.call_grammar import AT_ARGUMENTS
from mistral_tui.engines.parsing.marks import Marks
from mistral_tui.engines.parsing.reader import Reader, Wait, is_name, reasoning_delta, text_delta

MARKS: Final = ("<|start|>", "<|channel|>", "<|constrain|>", "<|message|>", "<|end|>", "<|call|>", "<|return|>")
_START, _CHANNEL, _, _MESSAGE, *_ENDS = MARKS
REASONING: Final = (f"{_CHANNEL}analysis{_MESSAGE}", f"<|end|>{_START}assistant")
"""What stands around reasoning that comes first."""
_AFTER_MESSAGE: Final = Marks([*_ENDS, _START])
_AFTER_TEXT: Final = Marks([*_ENDS, _START, _CHANNEL])
_RECIPIENT: Final = re.compile(r"to=(?:functions\.)?([\w.:/-]+)")


def reply(reader: Reader, takes_calls: bool) -> Wait[None]:
    """Read a whole reply; the first header begins behind the prompt's `<|start|>assistant`.

    Args:
        reader: The reply.
        takes_calls: Whether tools were given; otherwise messages to them are text.
    """
    while True:
        yield from reader.skip_space()
        begin = yield from reader.next_is(_START, _CHANNEL, "to=")
        header, mark = (yield from reader.until(_MESSAGE)) if begin else ("", "")
        recipient = _RECIPIENT.search(begin + header)
        if mark and recipient and takes_calls and is_name(recipient[1]):
            reader.begins(f"{AT_ARGUMENTS}{recipient[1]}\n")
            reader.begin_call(recipient[1])
            yield from reader.skip_space()
            yield from json_calls.arguments(reader, *_ENDS, _START)
            yield from reader.skip_space()
            yield from reader.next_is(*_ENDS)
        elif mark:
            reader.drop()
            delta = reasoning_delta if "analysis" in header else text_delta
            after = yield from reader.seek(_AFTER_MESSAGE, delta)
            reader.skip(-len(after) if after == _START else 0)
        else:
            # Text without a header: what a model writes that does not know the notation.
            reader.take_back(len(begin))
            after = yield from reader.seek(_AFTER_TEXT, text_delta)
            reader.skip(-len(after) if after in (_START, _CHANNEL) else 0)
        reader.drop()
        if not (yield from reader.peek()):
            return
