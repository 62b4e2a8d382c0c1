"""`mistral-tui tokenize` and `mistral-tui detokenize`: what a text is to a model."""

import asyncio
import json
import sys
from collections.abc import Sequence

from mistral_tui.cli.flags import ArgumentParser, ModelFlags, add_model_flags
from mistral_tui.cli.loaded import for_embeddings, loaded_engine
from mistral_tui.engines import queries
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.text import printable

SCHEMA_VERSION = 1


class TokenizeFlags(ModelFlags):
    """The text, and what to show of its tokens."""

    text: list[str]
    special: bool = False
    count: bool = False
    json: bool = False


class DetokenizeFlags(ModelFlags):
    """The tokens."""

    token: list[str]
    special: bool = False


def tokenize(arguments: Sequence[str], flags: ModelFlags) -> int:
    """Print the tokens of a text and return the exit status."""
    parser = ArgumentParser(
        "mistral-tui tokenize", "The tokens of a text, one a line: number and text. Without a text, what is piped in."
    )
    parser.add_argument("text", nargs="*", help="several are joined with spaces")
    parser.add_argument("--count", action="store_true", help="print only how many there are")
    parser.add_argument("--special", action="store_true", help="names of control tokens in the text stand for these")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_model_flags(parser, c_is_template=True)
    call = parser.parse_intermixed_args(arguments, namespace=TokenizeFlags(**vars(flags)))
    asyncio.run(_tokenize(call, " ".join(call.text) if call.text else _piped()))
    return 0


async def _tokenize(call: TokenizeFlags, text: str) -> None:
    async with loaded_engine(call, adapt=for_embeddings) as engine:
        result = await queries.tokenize(engine, text, special=call.special)
    if call.json:
        document = {"schema_version": SCHEMA_VERSION, "model": engine.model.name, "tokens": result.tokens}
        print(json.dumps(document))
    elif call.count:
        print(len(result.tokens))
    else:
        for token, name in zip(result.tokens, result.names, strict=True):
            print(f"{token}\t{json.dumps(name)}")


def detokenize(arguments: Sequence[str], flags: ModelFlags) -> int:
    """Print the text of some tokens and return the exit status."""
    parser = ArgumentParser("mistral-tui detokenize", "The text of some tokens. Without any, those that are piped in.")
    parser.add_argument("token", nargs="*", help="a number")
    parser.add_argument("--special", action="store_true", help="show the names of control tokens")
    add_model_flags(parser)
    call = parser.parse_intermixed_args(arguments, namespace=DetokenizeFlags(**vars(flags)))
    words = call.token or _piped().split()
    try:
        tokens = [int(word) for word in words]
    except ValueError as error:
        raise InvalidRequest(f"a token is a number: {error}") from None
    if any(not 0 <= token < 2**31 for token in tokens):
        raise InvalidRequest("a token is a number from 0 on; give those of the model")
    asyncio.run(_detokenize(call, tokens))
    return 0


async def _detokenize(call: DetokenizeFlags, tokens: list[int]) -> None:
    async with loaded_engine(call, adapt=for_embeddings) as engine:
        text = await queries.detokenize(engine, tokens, special=call.special)
    print(printable(text) if sys.stdout.isatty() else text)


def _piped() -> str:
    if sys.stdin is None or sys.stdin.isatty():
        raise InvalidRequest("there is nothing to look at; give it as an argument, or pipe it in")
    return sys.stdin.buffer.read().decode("utf-8", "replace")
