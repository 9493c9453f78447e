"""Jinja2 for files that come from anybody: its sandbox, and bounds for what a template can make and how long it takes.

Jinja2's own sandbox keeps a template from reaching out; it lets one fill the memory, or never end.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sized
from functools import wraps
from typing import Any

from jinja2 import StrictUndefined, nodes, pass_context
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

MOST_CHARACTERS = 8 * 2**20
"""Of a text, or items of a list, that a template makes."""
MOST_ROUNDS = 100_000
"""Of all loops of one filling in."""
MOST_BITS = 4096
LARGEST_ARGUMENT = 1_000_000
"""Widths and counts that filters and methods are given."""
_WIDTH = re.compile(r"\d{7,}")
_UNBOUNDED = frozenset({"translate", "expandtabs"})
"""Methods of texts whose result has no bound that can be told ahead."""
_CAPTURING = (
    nodes.AssignBlock, nodes.CallBlock, nodes.Extends, nodes.FilterBlock, nodes.FromImport, nodes.Import,
    nodes.Include, nodes.Macro,
)  # fmt: skip
_TICK, _CONCAT, _ROUNDS = "katydid_tick", "katydid_concat", "katydid_rounds"


class BoundedEnvironment(ImmutableSandboxedEnvironment):
    """The sandbox in which scenarios are filled in."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self) -> None:
        super().__init__(undefined=StrictUndefined, autoescape=False)
        self.globals = {name: self.globals[name] for name in ("range", "dict", "cycler", "joiner", "namespace")}
        self.globals[_TICK] = _tick
        self.filters = {name: _bounded(filter_) for name, filter_ in self.filters.items()}
        self.filters[_CONCAT] = _concat

    def compile(self, source: Any, *arguments: Any, **named: Any) -> Any:
        """See `Environment.compile`; of templates that count their rounds, and measure what they join."""
        tree = self.parse(source) if isinstance(source, str) else source
        return super().compile(_counted(tree), *arguments, **named)

    def call_binop(self, context: Context, operator: str, left: object, right: object) -> object:
        """See `SandboxedEnvironment.call_binop`."""
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
        """See `SandboxedEnvironment.call`."""
        method = getattr(called, "__wrapped__", called)  # of `format`, which the sandbox wraps
        if isinstance(owner := getattr(method, "__self__", None), str | bytes):
            _check_call(method.__name__, owner, arguments, named)
        else:
            _check_arguments((arguments, named))
        return super().call(context, called, *arguments, **named)


def rendered(pieces: Iterator[str]) -> str:
    """A text out of its pieces, which stop where it becomes too long."""
    text: list[str] = []
    length = 0
    for piece in pieces:
        length += len(piece)
        _check_size(length)
        text.append(piece)
    return "".join(text)


def _counted(tree: nodes.Template) -> nodes.Template:
    for kind in _CAPTURING:
        if tree.find(kind) is not None:
            raise SecurityError(f"a template here has no {kind.__name__.lower()}")
    for loop in tree.find_all(nodes.For):
        if loop.recursive:
            raise SecurityError("a loop here is not recursive")
        loop.body.insert(0, nodes.Output([nodes.Call(nodes.Name(_TICK, "load"), [], [], None, None)]))
    _measure(tree)
    return tree


def _measure(tree: nodes.Node) -> None:
    """Join by a filter of ours wherever something is joined; Jinja2 asks nobody about its own way."""
    for name, value in list(tree.iter_fields()):
        setattr(tree, name, [_joined(each) for each in value] if isinstance(value, list) else _joined(value))


def _joined(part: object) -> object:
    if not isinstance(part, nodes.Node):
        return part
    _measure(part)
    return nodes.Filter(nodes.List(part.nodes), _CONCAT, [], [], None, None) if isinstance(part, nodes.Concat) else part


@pass_context
def _tick(context: Context) -> str:
    """One round of a loop."""
    rounds = context.vars.get(_ROUNDS, 0) + 1
    context.vars[_ROUNDS] = rounds
    if rounds > MOST_ROUNDS:
        raise SecurityError(f"its loops have more than {MOST_ROUNDS} rounds")
    return ""


def _concat(parts: list[object]) -> str:
    return rendered(map(str, parts))


def _bounded(filter_: Callable[..., object]) -> Callable[..., object]:
    """A filter that looks at what it is given, and at what it has made; Jinja2's marks of it stay."""

    @wraps(filter_)
    def checked(*arguments: object, **named: object) -> object:
        values = [each for each in arguments if not isinstance(each, Context | BoundedEnvironment)]
        _check_call(filter_.__name__.removeprefix("do_"), values[0] if values else "", tuple(values[1:]), named)
        made = filter_(*arguments, **named)
        _check_size(_size(made))
        return made

    return checked


def _check_call(name: str, subject: object, arguments: tuple[object, ...], named: Mapping[str, object]) -> None:
    """Refuse a method of a text, or a filter, whose result has no bound."""
    given = (*arguments, *named.values())
    _check_arguments((given,))
    if name in _UNBOUNDED:
        raise SecurityError(f"{name} has no bound")
    if name in {"format", "format_map"} and _WIDTH.search(str(subject)):
        raise SecurityError("a width is too large")
    if name in {"replace", "join", "sync_do_join"}:
        _check_size((_size(subject) + 1) * max((_size(each) for each in given), default=0))


def _check_arguments(values: object) -> None:
    if isinstance(values, int) and abs(values) > LARGEST_ARGUMENT:
        raise SecurityError(f"{values:.3g} is too large an argument")
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
        raise SecurityError(f"it becomes longer than {MOST_CHARACTERS} characters")


def _check_bits(bits: int) -> None:
    if bits > MOST_BITS:
        raise SecurityError("a number becomes too large")
