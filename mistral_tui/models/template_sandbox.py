"""A Jinja environment for templates that nobody has vetted: chat templates come with model files.

Jinja's own sandbox keeps a template away from Python's internals, but not from endless loops and huge strings. Here
every loop pass, call and filter looks at a deadline, and whatever could make a large value out of small ones is
measured before it runs. That happens in the rendering thread itself: no other thread has to interrupt it, which
could hit it anywhere and could not stop a single long call into C at all.
"""

import functools
import json
import re
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

LARGEST_TEXT: Final = 64 * 2**20
_MOST_ITEMS: Final = 1_000_000
_LARGEST_NUMBER: Final = 1_000_000
_MOST_BITS: Final = 4096

# What multiplies the length of its first argument by another argument.
_MULTIPLIERS: Final = frozenset({"expandtabs", "format", "indent", "join", "replace", "tojson"})
# fmt: off
# Filters that pick from or rearrange lists and never write their items out as text.
_STRUCTURAL: Final = frozenset(
    {
        "attr", "batch", "count", "d", "default", "dictsort", "first", "groupby", "items", "last", "length",
        "list", "map", "max", "min", "reject", "rejectattr", "reverse", "select", "selectattr", "slice", "sort",
        "sum", "unique",
    }
)
# fmt: on
_UNWANTED_FILTERS: Final = ("pprint", "random", "urlize", "wordwrap", "xmlattr")
_UNWANTED_METHODS: Final = frozenset({"encode", "format_map", "maketrans", "translate"})
_WIDE_FORMAT: Final = re.compile(r"\d{6}|\{[^{}]*\{|%[^a-zA-Z%]*\*")


class Refusal(jinja2.TemplateError):
    """The template called `raise_exception`: it does not take this conversation."""


class LimitExceeded(jinja2.TemplateError):
    """The template ran too long or built too much."""


class Sandbox(ImmutableSandboxedEnvironment):
    """Compiles and runs templates the way transformers and llama.cpp do, under limits. For one thread at a time."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self, time_limit: float) -> None:
        super().__init__(
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=self._checked,
            cache_size=0,
            extensions=["jinja2.ext.loopcontrols", _GenerationBlock],
        )
        self._time_limit = time_limit
        self._deadline = 0.0
        self.restart_clock()
        del self.globals["lipsum"]
        for name in _UNWANTED_FILTERS:
            del self.filters[name]
        self.filters["tojson"] = _to_json
        for name, function in self.filters.items():
            self.filters[name] = self._watched(name, function)
        self.filters["from_json"] = self.filters["fromjson"] = _from_json
        self.globals["raise_exception"] = _refuse
        self.globals["strftime_now"] = _strftime_now

    def restart_clock(self) -> None:
        """Start the time limit anew; before each compilation or rendering."""
        self._deadline = time.monotonic() + self._time_limit

    def tick(self) -> str:
        """Return nothing, unless the time is over.

        Raises:
            LimitExceeded: The time is over.
        """
        if time.monotonic() > self._deadline:
            raise LimitExceeded(f"it ran longer than {self._time_limit:g} s")
        return ""

    def joined(self, *parts: Any) -> str:
        """Concatenate, as the operator `~` does."""
        weigh(parts)
        return "".join(map(str, parts))

    @staticmethod
    def concat(pieces: Iterable[str]) -> str:
        """Join what a macro or a block has written."""
        pieces = list(pieces)
        weigh(pieces)
        return "".join(pieces)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        """Call something from the template."""
        __self.tick()
        method = getattr(__obj, "__wrapped__", __obj)  # Jinja wraps str.format
        subject = getattr(method, "__self__", None)
        if isinstance(subject, str):
            name = method.__name__
            if name in _UNWANTED_METHODS:
                raise LimitExceeded(f"it may not use the method {name}")
            _check_growth(name, (subject, *args, *kwargs.values()))
        return super().call(__context, __obj, *args, **kwargs)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Let templates keep lists of their own, as some do, though Hugging Face would not."""
        if isinstance(obj, list) and attr in ("append", "pop"):
            return True
        return super().is_safe_attribute(obj, attr, value)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Do an operation that can make something large."""
        _check_operation(operator, left, right)
        return super().call_binop(context, operator, left, right)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = _Instrument().visit(super()._parse(source, name, filename))
        assert isinstance(tree, nodes.Template)
        return tree

    def _watched(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)  # also keeps the mark that tells Jinja to pass its context
        def watched(*args: Any, **kwargs: Any) -> Any:
            self.tick()
            if name not in _STRUCTURAL:
                subject = 1 if hasattr(function, "jinja_pass_arg") else 0
                _check_growth(name, (*args[subject:], *kwargs.values()))
            return function(*args, **kwargs)

        return watched

    def _checked(self, value: Any) -> Any:
        weigh(value)
        return value


class _Instrument(NodeTransformer):
    """Lets each loop pass look at the clock, and makes `~` a call that can be measured."""

    def visit_For(self, node: nodes.For) -> nodes.For:
        self.generic_visit(node)
        tick = nodes.Call(nodes.EnvironmentAttribute("tick"), [], [], None, None, lineno=node.lineno)
        node.body.insert(0, nodes.ExprStmt(tick, lineno=node.lineno))
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Call:
        self.generic_visit(node)
        function = nodes.EnvironmentAttribute("joined")
        return nodes.Call(function, node.nodes, [], None, None, lineno=node.lineno)


class _GenerationBlock(Extension):
    """`{% generation %}…{% endgeneration %}` marks replies for training; here it is its content."""

    tags = {"generation"}

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def weigh(value: Any) -> int:
    """Return about how long `value` is when written out as text.

    Raises:
        LimitExceeded: It is longer than any prompt could be. A list that holds another one many times counts it
            as often, and no further than to the limit.
    """
    total, waiting = 0, [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            total += len(item)
        elif isinstance(item, dict):
            waiting.extend(item.keys())
            waiting.extend(item.values())
            total += 64 * len(item)  # counting generously keeps the walk short
        elif isinstance(item, list | tuple):
            waiting.extend(item)
            total += 64 * len(item)
        else:
            total += 1
        if total > LARGEST_TEXT:
            raise LimitExceeded(f"it builds a text of more than {LARGEST_TEXT >> 20} million characters")
    return total


def _check_growth(name: str, args: tuple[Any, ...]) -> None:
    """Refuse a filter or a method of a string that would make far more than it was given."""
    if not args:
        return
    size = weigh(args[0])
    others = args[2:] if name == "replace" else args[1:]
    factor = max((_factor(value) for value in others), default=1)
    if name == "format" and isinstance(args[0], str) and _WIDE_FORMAT.search(args[0]):
        raise LimitExceeded("it formats with a width that is too large or hidden")
    if name in _MULTIPLIERS and size * factor > LARGEST_TEXT:
        raise LimitExceeded(f"its {name} would make a text of more than {LARGEST_TEXT >> 20} million characters")


def _factor(value: Any) -> int:
    if isinstance(value, int):
        if abs(value) > _LARGEST_NUMBER:
            raise LimitExceeded(f"it counts to more than {_LARGEST_NUMBER}")
        return abs(value)
    return weigh(value)


def _check_operation(operator: str, left: Any, right: Any) -> None:
    match operator, left, right:
        case "**", int(), int():
            too_large = left.bit_length() * abs(right) > _MOST_BITS
        case "*", int(), int():
            too_large = left.bit_length() + right.bit_length() > _MOST_BITS
        case "*", str(), int() | bool():
            too_large = len(left) * right > LARGEST_TEXT
        case "*", int(), str():
            too_large = left * len(right) > LARGEST_TEXT
        case "*", list() | tuple(), int():
            too_large = len(left) * right > _MOST_ITEMS
        case "*", int(), list() | tuple():
            too_large = left * len(right) > _MOST_ITEMS
        case "+", str(), str():
            too_large = len(left) + len(right) > LARGEST_TEXT
        case "+", list() | tuple(), list() | tuple():
            too_large = len(left) + len(right) > _MOST_ITEMS
        case "%", str(), _:
            _check_growth("format", (left, *(right if isinstance(right, tuple) else (right,))))
            too_large = False
        case _:
            too_large = False
    if too_large:
        raise LimitExceeded(f"its {operator} would make something far too large")


def _to_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """Write JSON as chat templates expect it: without Jinja's escapes for HTML."""
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _from_json(text: str) -> Any:
    return json.loads(text)


def _refuse(message: str) -> None:
    raise Refusal(message)


def _strftime_now(format_text: str) -> str:
    return time.strftime(format_text)
