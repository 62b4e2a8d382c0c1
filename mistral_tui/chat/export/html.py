"""A session as one HTML file that needs nothing else: no script, nothing is fetched, light and dark."""

import base64
from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path

from markdown_it import MarkdownIt

from mistral_tui.chat.conversation import Conversation
from mistral_tui.chat.export.markdown import ending, speaker
from mistral_tui.chat.export.tool_calls import call_line, result_text
from mistral_tui.types.media import LARGEST_FILE
from mistral_tui.types.messages import (
    AudioPart,
    FilePart,
    ImagePart,
    Message,
    Part,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from mistral_tui.types.text import printable, printable_line

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_STYLE = """
:root { color-scheme: light dark;
  --text: #1c1c1e; --dim: #6b6b70; --page: #fdfdfc; --block: #f2f1ee; --accent: #c2410c; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e4e4e7; --dim: #9a9aa2; --page: #17171a; --block: #222226; --accent: #fb923c; } }
body { background: var(--page); color: var(--text); font: 16px/1.6 system-ui, sans-serif; max-width: 46rem;
  margin: 3rem auto; padding: 0 1.25rem; overflow-wrap: anywhere; }
header, article { margin-bottom: 2rem; }
h1 { font-size: 1.5rem; margin: 0; }
.dim, .speaker { color: var(--dim); font-size: .875rem; margin: 0; }
.user .speaker { color: var(--accent); }
.user .said { white-space: pre-wrap; }
pre { background: var(--block); padding: .75rem 1rem; overflow-x: auto; border-radius: 4px; font-size: .875rem; }
pre.file { white-space: pre-wrap; }
code { font-family: ui-monospace, monospace; }
table { border-collapse: collapse; }
th, td { text-align: left; padding: .25rem .75rem; border-bottom: 1px solid var(--block); }
blockquote { margin: 0; padding-left: 1rem; border-left: 3px solid var(--block); color: var(--dim); }
details { color: var(--dim); } img { max-width: 100%; } a { color: inherit; }
hr { border: 0; border-top: 1px solid var(--block); margin: 3rem 0; }
"""


def html_document(conversations: Iterable[Conversation]) -> Iterator[str]:
    """Return the active branches of sessions as one page, piece by piece."""
    pages = iter(conversations)
    first = next(pages, None)
    title = _line(first.session.title) if first is not None else ""
    yield (
        '<!DOCTYPE html>\n<html lang="und">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title or 'Untitled chat'}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
    )
    if first is not None:
        yield from _session(first)
    for conversation in pages:
        yield "<hr>\n"
        yield from _session(conversation)
    yield "</body>\n</html>\n"


def _session(conversation: Conversation) -> Iterator[str]:
    session = conversation.session
    tags = " ".join(f"#{_line(tag)}" for tag in session.tags)
    yield f'<header><h1>{_line(session.title) or "Untitled chat"}</h1><p class="dim">{tags}</p></header>\n'
    if session.system_prompt:
        prompt = _text(session.system_prompt)
        yield f'<article><p class="speaker">System</p><pre class="file">{prompt}</pre></article>\n'
    for message in conversation.path():
        yield _message(conversation, message)


def _message(conversation: Conversation, message: Message) -> str:
    parts = "\n".join(_part(conversation, message, part) for part in message.parts)
    how = f'<p class="dim">({escape(how)})</p>' if (how := ending(message)) else ""
    return (
        f'<article class="{escape(message.role)}"><p class="speaker">{escape(speaker(message))}</p>\n'
        f"{parts}{how}</article>\n"
    )


def _part(conversation: Conversation, message: Message, part: Part) -> str:
    match part:
        case TextPart(text) if message.role == "assistant":
            return _markdown(printable(text))
        case TextPart(text):
            return f'<div class="said">{_text(text)}</div>'
        case ReasoningPart(text, _):
            return f"<details><summary>thought</summary>{_markdown(printable(text))}</details>"
        case FilePart(name, text):
            return f'<p class="dim">{_line(name)}</p><pre class="file">{_text(text)}</pre>'
        case ImagePart():
            return _picture(part)
        case AudioPart(path, _, name):
            return f'<p class="dim">recording: {_line(name or path)}</p>'
        case ToolCallPart(_, _, arguments):
            return _folded(call_line(conversation, message, part), arguments)
        case ToolResultPart(_, _, failed):
            return _folded("failed" if failed else "result", result_text(conversation, message, part))
        case _:
            return f'<p class="dim">a part that this version does not know: {_line(str(part.raw.get("type", "")))}</p>'


def _folded(line: str, text: str) -> str:
    return f'<details><summary>{_line(line)}</summary><pre class="file">{_text(text)}</pre></details>'


def _picture(part: ImagePart) -> str:
    try:
        with Path(part.path).open("rb") as file:
            content = file.read(LARGEST_FILE)
    except (OSError, ValueError):
        return f'<p class="dim">picture: {_line(part.name or part.path)} (its file is gone)</p>'
    encoded = base64.b64encode(content).decode()
    return f'<img alt="{_line(part.name)}" src="data:{_line(part.media_type)};base64,{encoded}">'


def _markdown(text: str) -> str:
    return str(_MARKDOWN.render(text))


def _text(text: str) -> str:
    return escape(printable(text))


def _line(text: str) -> str:
    return escape(printable_line(text))


_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable("image")
"""Raw HTML is shown as text; a picture of a reply would have to be fetched, and is a link."""
