"""A Jinja environment for templates that nobody has vetted: chat templates come with model files.

Jinja's own sandbox keeps a template away from Python's internals, but not from endless loops and huge values. Here
every loop pass, call and filter looks at a deadline, what is built is counted, and what could take long in a single
step is measured before (see `template_limits`). That happens in the rendering thread itself: no other thread has to
interrupt it, which could hit it anywhere and could not stop a single long call into C at all.
"""

import functools
import json
import time
from collections.abc import Callable, Iterable
from typing import Any, cast

import jinja2
import markupsafe
from jinja2 import nodes
from jinja2.compiler import CodeGenerator
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace
from jinja2.visitor import NodeTransformer

from mistral_tui.models.template_limits import (
    COMPARING_TESTS,
    LARGEST_TEXT,
    LARGEST_TOTAL,
    UNWANTED_FILTERS,
    LimitExceeded,
    check_call,
    check_filter,
    check_operation,
    comparable,
    size_of,
    weigh,
)


class Refusal(jinja2.TemplateError):
    """The template called `raise_exception`: it does not take this conversation."""


class _WatchedGenerator(CodeGenerator):
    """Compiles under the time limit, too."""

    def visit(self, node: nodes.Node, *args: Any, **kwargs: Any) -> Any:
        assert isinstance(self.environment, Sandbox)
        self.environment.tick()
        return super().visit(node, *args, **kwargs)


class Sandbox(ImmutableSandboxedEnvironment):
    """Compiles and runs templates the way transformers and llama.cpp do, under limits. For one thread at a time."""

    code_generator_class = _WatchedGenerator
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
        self._built = 0
        self._moment = 0.0
        self.restart_clock()
        del self.globals["lipsum"]
        for name in UNWANTED_FILTERS:
            del self.filters[name]
        self.filters["tojson"] = _to_json
        self.filters["from_json"] = self.filters["fromjson"] = json.loads
        self.filters["safe"] = str
        self.filters["e"] = self.filters["escape"] = lambda text: str(markupsafe.escape(text))
        for name, function in self.filters.items():
            self.filters[name] = self._watched(name, function)
        for name in COMPARING_TESTS:
            self.tests[name] = self._watched_test(cast(Callable[..., Any], self.tests[name]))
        self.globals["raise_exception"] = _refuse
        self.globals["strftime_now"] = self._strftime_now

    def restart_clock(self) -> None:
        """Start the limits anew; before each compilation or rendering."""
        self._deadline = time.monotonic() + self._time_limit
        self._built = 0

    def tick(self) -> str:
        """Return nothing, unless the time is over.

        Raises:
            LimitExceeded: The time is over.
        """
        if time.monotonic() > self._deadline:
            raise LimitExceeded(f"it ran longer than {self._time_limit:g} s")
        return ""

    @property
    def ticked(self) -> str:
        """`tick`, for loops: reading an attribute is the cheapest that a template can do."""
        return self.tick()

    def built(self, value: Any) -> Any:
        """Return a new value, which counts.

        Raises:
            LimitExceeded: This rendering has built too much.
        """
        self._built += size_of(value)
        if self._built > LARGEST_TOTAL:
            raise LimitExceeded(f"it builds texts of more than {LARGEST_TOTAL >> 20} million characters together")
        return value

    def joined(self, *parts: Any) -> Any:
        """Concatenate, as the operator `~` does."""
        weigh(parts)
        return self.built("".join(map(str, parts)))

    def concat(self, pieces: Iterable[str]) -> Any:
        """Join what a macro or a block has written."""
        pieces = list(pieces)
        weigh(pieces)
        return self.built("".join(pieces))

    def comparable(self, value: Any) -> Any:
        """Return `value`, unless comparing it with another one could take long."""
        return comparable(value)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        """Call something from the template."""
        if getattr(__obj, "__self__", None) is __self:
            return __obj(*args)
        __self.tick()
        method = getattr(__obj, "__wrapped__", __obj)  # Jinja wraps str.format
        check_call(method, getattr(method, "__self__", None), (*args, *kwargs.values()))
        return __self.built(super().call(__context, __obj, *args, **kwargs))

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return an attribute or an item; of namespaces, which hold only what templates put there, without checks."""
        if type(obj) is Namespace and not attribute.startswith("_"):
            try:
                return getattr(obj, attribute)
            except AttributeError:
                return self.undefined(obj=obj, name=attribute)
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Return an item, an attribute or a slice."""
        if isinstance(argument, slice):
            return self.built(super().getitem(obj, argument))
        return super().getitem(obj, comparable(argument))

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Let templates keep lists of their own, as some do, though Hugging Face would not."""
        if isinstance(obj, list) and attr in ("append", "pop"):
            return True
        return super().is_safe_attribute(obj, attr, value)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Do an operation that can make something large."""
        check_operation(operator, left, right)
        return self.built(super().call_binop(context, operator, left, right))

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = _Instrument(self.tick).visit(super()._parse(source, name, filename))
        assert isinstance(tree, nodes.Template)
        return tree

    def _watched(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        first = 1 if hasattr(function, "jinja_pass_arg") else 0

        @functools.wraps(function)  # also keeps the mark that tells Jinja to pass its context
        def watched(*args: Any, **kwargs: Any) -> Any:
            self.tick()
            checked = check_filter(name, (*args[first:], *kwargs.values()))
            given = len(args) - first
            return self.built(function(*args[:first], *checked[:given], **kwargs))

        return watched

    def _watched_test(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def watched(*args: Any) -> Any:
            self.tick()
            return function(*map(comparable, args))

        return watched

    def _checked(self, value: Any) -> Any:
        weigh(value)
        return value

    def _strftime_now(self, format_text: str) -> str:
        """Write the time of the day's first prompt: a prompt whose beginning changed would be computed anew."""
        if len(format_text) > 1000:
            raise LimitExceeded("its format of the time is too long")
        now = time.time()
        if time.localtime(now)[:3] != time.localtime(self._moment)[:3]:
            self._moment = now
        return time.strftime(format_text, time.localtime(self._moment))


class _Instrument(NodeTransformer):
    """Puts the limits into a template: where they cannot be reached by overriding what Jinja calls anyway."""

    def __init__(self, tick: Callable[[], str]) -> None:
        self._tick = tick

    def visit(self, node: nodes.Node, *args: Any, **kwargs: Any) -> Any:
        self._tick()
        return super().visit(node, *args, **kwargs)

    def visit_For(self, node: nodes.For) -> nodes.For:
        self.generic_visit(node)
        tick = nodes.EnvironmentAttribute("ticked", lineno=node.lineno)
        node.body.insert(0, nodes.ExprStmt(tick, lineno=node.lineno))
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Call:
        self.generic_visit(node)
        function = nodes.EnvironmentAttribute("joined")
        return nodes.Call(function, node.nodes, [], None, None, lineno=node.lineno)

    def visit_Compare(self, node: nodes.Compare) -> nodes.Compare:
        self.generic_visit(node)
        # Against constants nothing takes long, and it is what nearly all templates compare with.
        if sum(not _is_constant(expression) for expression in (node.expr, *(op.expr for op in node.ops))) > 1:
            node.expr = _comparable(node.expr)
            for operand in node.ops:
                operand.expr = _comparable(operand.expr)
        return node

    def visit_Pair(self, node: nodes.Pair) -> nodes.Pair:
        self.generic_visit(node)
        node.key = _comparable(node.key)
        return node


def _is_constant(node: nodes.Node) -> bool:
    if isinstance(node, nodes.List | nodes.Tuple):
        return all(isinstance(item, nodes.Const) for item in node.items)
    return isinstance(node, nodes.Const)


def _comparable(node: nodes.Expr) -> nodes.Expr:
    if _is_constant(node):
        return node
    return nodes.Call(nodes.EnvironmentAttribute("comparable"), [node], [], None, None, lineno=node.lineno)


class _GenerationBlock(Extension):
    """`{% generation %}…{% endgeneration %}` marks replies for training; here it is its content."""

    tags = {"generation"}

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def _to_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | str | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """Write JSON as chat templates expect it: without Jinja's escapes for HTML."""
    if indent is None:
        return json.dumps(value, ensure_ascii=ensure_ascii, separators=separators, sort_keys=sort_keys)
    encoder = json.JSONEncoder(ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)
    pieces, length = [], 0
    for piece in encoder.iterencode(value):
        pieces.append(piece)
        length += len(piece)
        if length > LARGEST_TEXT:
            raise LimitExceeded(f"its tojson would make a text of more than {LARGEST_TEXT >> 20} million characters")
    return "".join(pieces)


def _refuse(message: Any) -> None:
    weigh(message)
    raise Refusal(message)
