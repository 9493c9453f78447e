"""Values with places to fill in: Jinja2, sandboxed and bounded, and every name must be known.

A text that is one `{{ expression }}` and nothing else becomes the value itself, so that a list stays a
list; every other text becomes a text. Tables and lists are filled in, item by item.
"""

from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import TemplateError, Undefined

from katydid.model.errors import ConfigError
from katydid.workloads.session.sandbox import BoundedEnvironment, rendered

Values = Mapping[str, Any]
Filled = Callable[[Values], Any]

_WORDS = {"true", "false", "none", "True", "False", "None"}
_ENVIRONMENT = BoundedEnvironment()


_NO_TEMPLATE = (TemplateError, SyntaxError, RecursionError, MemoryError, ValueError, OverflowError)
"""What compiling a text raises that is too deep, or nothing at all."""


def compiled(value: object, where: str) -> Filled:
    """A function that fills `value` in.

    Args:
        value: of TOML or JSON.
        where: names it in complaints, as in `message.body`.

    Raises:
        ConfigError: it is not a template. The function itself raises one where a name is unknown, or where a
            template reaches for what it must not.
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
        except Exception as error:  # noqa: BLE001 - what a template does is its author's
            raise ConfigError(f"{where}: {str(error) or type(error).__name__}") from None

    return filled


def _pieces(text: str) -> Filled:
    generate = _ENVIRONMENT.from_string(text).generate
    return lambda values: rendered(generate(**values))


def _value(expression: str) -> Filled:
    if expression.isidentifier() and expression not in _WORDS:
        return lambda values: _named(values, expression)
    evaluate = _ENVIRONMENT.compile_expression(expression, undefined_to_none=False)

    def value(values: Values) -> object:
        found = evaluate(**values)
        if isinstance(found, Undefined):
            str(found)  # raises, with what is missing
        return found

    return value


def _named(values: Values, name: str) -> object:
    """The same as evaluating the name, in a hundredth of the time."""
    if name not in values:
        raise ConfigError(f"'{name}' is undefined")
    return values[name]
