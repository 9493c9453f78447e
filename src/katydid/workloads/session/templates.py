"""Templates in TOML or JSON values: Jinja2, sandboxed and limited. Undefined names are errors.

A string that is exactly one `{{ expression }}` becomes the value itself, so a list stays a list; any other string
becomes a string. Tables and lists are rendered item by item.

Jinja2's own sandbox only restricts what a template can access; a template could still fill the memory or never end. So
the size of results and the number of loop iterations are limited.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sized
from functools import wraps
from typing import Any

from jinja2 import StrictUndefined, TemplateError, Undefined, nodes, pass_context
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from katydid.model.errors import ConfigError

Values = Mapping[str, Any]
Filled = Callable[[Values], Any]

MOST_CHARACTERS = 8 * 2**20
"""Limit of a text, and of a list's items, that a template makes."""
MOST_ROUNDS = 100_000
"""Limit of iterations, over all loops of one rendering."""
MOST_BITS = 4096
"""Limit of integers."""
LARGEST_ARGUMENT = 1_000_000
"""Limit of numbers passed to filters and methods, such as widths and counts."""
_WIDTH = re.compile(r"\d{7,}")
_UNBOUNDED = frozenset({"translate", "expandtabs"})
"""Methods of strings whose result size cannot be bounded in advance."""
_CAPTURING = (
    nodes.AssignBlock, nodes.CallBlock, nodes.Extends, nodes.FilterBlock, nodes.FromImport, nodes.Import,
    nodes.Include, nodes.Macro,
)  # fmt: skip
_TICK, _CONCAT, _ROUNDS = "katydid_tick", "katydid_concat", "katydid_rounds"

_NO_TEMPLATE = (TemplateError, SyntaxError, RecursionError, MemoryError, ValueError, OverflowError)
"""Raised when a text is compiled that is not a template, or is nested too deeply."""


def compiled(value: object, where: str) -> Filled:
    """Return a function that renders `value`.

    Args:
        value: a value from TOML or JSON.
        where: its name in error messages, such as `message.body`.

    Raises:
        ConfigError: a string is not a valid template. The returned function raises it too, if a name is undefined or
            a template does something that the sandbox forbids.
    """
    if isinstance(value, str):
        return _text(value, where)
    if isinstance(value, dict):
        parts = {key: compiled(item, f"{where}.{key}") for key, item in value.items()}
        return lambda values: {key: part(values) for key, part in parts.items()}
    if isinstance(value, list):
        items = [compiled(item, f"{where}.{index}") for index, item in enumerate(value)]
        return lambda values: [item(values) for item in items]
    return lambda _: value


def _text(text: str, where: str) -> Filled:
    if "{" not in text:
        return lambda _: text
    inside = text.strip()
    alone = inside.startswith("{{") and inside.endswith("}}") and "}}" not in inside[2:-2]
    try:
        fill = _value(inside[2:-2].strip()) if alone else _pieces(text)
    except _NO_TEMPLATE as error:
        raise ConfigError(f"{where}: not a template ({str(error) or type(error).__name__})") from None

    def filled(values: Values) -> object:
        try:
            return fill(values)
        except Exception as error:  # noqa: BLE001 - a template may raise anything, and its author is to blame
            raise ConfigError(f"{where}: {str(error) or type(error).__name__}") from None

    return filled


def _pieces(text: str) -> Filled:
    generate = _ENVIRONMENT.from_string(text).generate
    return lambda values: _joined(generate(**values))


def _value(expression: str) -> Filled:
    evaluate = _ENVIRONMENT.compile_expression(expression, undefined_to_none=False)

    def value(values: Values) -> object:
        if expression in values:  # the same as evaluating it, in a hundredth of the time
            return values[expression]
        found = evaluate(**values)
        if isinstance(found, Undefined):
            str(found)  # raises an error with the missing name
        return found

    return value


class _BoundedEnvironment(ImmutableSandboxedEnvironment):
    """The sandbox that renders the templates of scenarios."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self) -> None:
        super().__init__(undefined=StrictUndefined, autoescape=False)
        self.globals = {name: self.globals[name] for name in ("range", "dict", "cycler", "joiner", "namespace")}
        self.globals[_TICK] = _tick
        self.filters = {name: _bounded(filter_) for name, filter_ in self.filters.items()}
        self.filters[_CONCAT] = lambda parts: _joined(map(str, parts))

    def compile(self, source: Any, *arguments: Any, **named: Any) -> Any:
        """Compile a template, with code that counts loop iterations and measures joined strings."""
        tree = self.parse(source) if isinstance(source, str) else source
        for found in tree.find_all(_CAPTURING):
            raise SecurityError(f"{type(found).__name__.lower()} is not allowed in a template")
        return super().compile(_Counting().visit(tree), *arguments, **named)

    def call_binop(self, context: Context, operator: str, left: object, right: object) -> object:
        if operator == "*":
            _check_size(_product(left, right))
        elif operator == "+":
            _check_size(_size(left) + _size(right))
        elif operator == "**" and isinstance(left, int) and isinstance(right, int):
            _check_bits(left.bit_length() * max(right, 0))
        elif operator == "%" and isinstance(left, str):
            _check_call("format", left, (right,), {})
        return super().call_binop(context, operator, left, right)

    def call(self, context: Context, called: Any, *arguments: object, **named: object) -> object:
        method = getattr(called, "__wrapped__", called)  # the sandbox wraps `format`
        if isinstance(owner := getattr(method, "__self__", None), str | bytes):
            _check_call(method.__name__, owner, arguments, named)
        else:
            _check_arguments((arguments, named))
        return super().call(context, called, *arguments, **named)


class _Counting(NodeTransformer):
    """Has loops count their iterations, and replaces every concatenation (`~`), for which Jinja2 has no hook."""

    def visit_For(self, loop: nodes.For) -> nodes.Node:  # noqa: N802 - Jinja2's name
        if loop.recursive:
            raise SecurityError("a recursive loop is not allowed in a template")
        loop.body.insert(0, nodes.Output([nodes.Call(nodes.Name(_TICK, "load"), [], [], None, None)]))
        return self.generic_visit(loop)

    def visit_Concat(self, concat: nodes.Concat) -> nodes.Node:  # noqa: N802 - Jinja2's name
        self.generic_visit(concat)
        return nodes.Filter(nodes.List(concat.nodes), _CONCAT, [], [], None, None)


@pass_context
def _tick(context: Context) -> str:
    """Count one iteration of a loop."""
    context.vars[_ROUNDS] = rounds = context.vars.get(_ROUNDS, 0) + 1
    if rounds > MOST_ROUNDS:
        raise SecurityError(f"its loops have more than {MOST_ROUNDS} iterations")
    return ""


def _joined(pieces: Iterator[str]) -> str:
    """Join the pieces of a text; raises SecurityError as soon as it becomes too long."""
    text: list[str] = []
    length = 0
    for piece in pieces:
        length += len(piece)
        _check_size(length)
        text.append(piece)
    return "".join(text)


def _bounded(filter_: Callable[..., object]) -> Callable[..., object]:
    """Wrap a filter so that its arguments and its result are checked; Jinja2's markers on it are kept."""

    @wraps(filter_)
    def checked(*arguments: object, **named: object) -> object:
        values = [each for each in arguments if not isinstance(each, Context | _BoundedEnvironment)]
        _check_call(filter_.__name__.removeprefix("do_"), values[0] if values else "", tuple(values[1:]), named)
        made = filter_(*arguments, **named)
        _check_size(_size(made))
        return made

    return checked


def _check_call(name: str, subject: object, arguments: tuple[object, ...], named: Mapping[str, object]) -> None:
    """Reject a filter, or a method of a string, whose result could be too large."""
    given = (*arguments, *named.values())
    _check_arguments((given,))
    if name in _UNBOUNDED:
        raise SecurityError(f"{name} is not allowed: the size of its result is unlimited")
    if name in {"format", "format_map"} and _WIDTH.search(str(subject)):
        raise SecurityError("a width is too large")
    if name in {"replace", "join", "sync_do_join"}:
        _check_size((_size(subject) + 1) * max((_size(each) for each in given), default=0))


def _check_arguments(values: object) -> None:
    if isinstance(values, int) and abs(values) > LARGEST_ARGUMENT:
        raise SecurityError(f"the argument {values:.3g} is too large")
    if isinstance(values, Mapping):
        values = tuple(values.values())
    if isinstance(values, tuple):
        for each in values:
            _check_arguments(each)


def _product(left: object, right: object) -> int:
    if isinstance(left, int) and isinstance(right, int):
        _check_bits(left.bit_length() + right.bit_length())
        return 0
    sequence, times = (left, right) if isinstance(right, int) else (right, left)
    return _size(sequence) * times if isinstance(times, int) else 0


def _size(value: object) -> int:
    return len(value) if isinstance(value, Sized) else 0


def _check_size(size: int) -> None:
    if size > MOST_CHARACTERS:
        raise SecurityError(f"its result is longer than {MOST_CHARACTERS} characters")


def _check_bits(bits: int) -> None:
    if bits > MOST_BITS:
        raise SecurityError("a number becomes too large")


_ENVIRONMENT = _BoundedEnvironment()
