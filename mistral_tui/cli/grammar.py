"""The flags that prescribe the form of a reply."""

import argparse
from pathlib import Path
from typing import Final, get_args

from mistral_tui.engines.grammar.json_text import parsed
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.requests import GRAMMAR_LIMIT, Grammar, GrammarKind

_KINDS: Final[tuple[GrammarKind, ...]] = get_args(GrammarKind)
_KIND_OF_SUFFIX: Final[dict[str, GrammarKind]] = {".lark": "lark", ".gbnf": "gbnf", ".regex": "regex"}


class GrammarFlags(argparse.Namespace):
    """What a reply must look like; at most one of `schema` and `grammar`."""

    schema: str | None = None
    grammar: str | None = None
    grammar_kind: GrammarKind | None = None


def add_grammar_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `GrammarFlags`."""
    group = parser.add_argument_group("form of the reply")
    group.add_argument("--schema", metavar="FILE", help="a JSON schema: stdout gets such JSON and nothing else")
    group.add_argument("--grammar", metavar="FILE|TEXT", help="a grammar that the whole reply keeps to")
    group.add_argument(
        "--grammar-kind",
        choices=_KINDS,
        metavar="KIND",
        help=f"its notation: {', '.join(_KINDS)}; a file's suffix (.lark, .gbnf, .regex) may tell it",
    )


def read_grammar(flags: GrammarFlags) -> Grammar | None:
    """Return what the flags ask for.

    Raises:
        InvalidRequest: A file cannot be read, or is too large; or the flags make no sense.
    """
    if flags.schema is not None and flags.grammar is not None:
        raise InvalidRequest("--schema and --grammar cannot be had together; leave one out")
    if flags.schema is not None:
        text = _read(Path(flags.schema).expanduser())
        parsed(text, flags.schema)
        return Grammar("json_schema", text)
    if flags.grammar is None:
        if flags.grammar_kind is not None:
            raise InvalidRequest("--grammar-kind says what --grammar is; give that, too")
        return None
    path = Path(flags.grammar).expanduser()
    is_file = _exists(path)
    kind = flags.grammar_kind or (_KIND_OF_SUFFIX.get(path.suffix) if is_file else None)
    if kind is None:
        raise InvalidRequest(f"the notation of the grammar is not clear; add --grammar-kind {'|'.join(_KINDS)}")
    text = _read(path) if is_file else flags.grammar
    return Grammar(kind, text.rstrip("\r\n") if kind == "regex" else text)


def _read(path: Path) -> str:
    most = 4 * GRAMMAR_LIMIT  # bytes of so many characters
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be read: {error.strerror}; name another file") from None
    if len(data) > most:
        raise InvalidRequest(f"{path} is too large for a grammar; at most {GRAMMAR_LIMIT:,} characters are taken")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidRequest(f"{path} is not UTF-8 text; save it as such") from None


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a grammar makes a strange name
        return False
