"""Templates in TOML or JSON values: Jinja2, sandboxed and limited. Undefined names are errors.

A string that is exactly one `{{ expression }}` becomes the value itself, so a list stays a list; any other string
becomes a string. Tables and lists are rendered item by item.
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
    return lambda values: rendered(generate(**values))


def _value(expression: str) -> Filled:
    if expression.isidentifier() and expression not in _WORDS:
        return lambda values: _named(values, expression)
    evaluate = _ENVIRONMENT.compile_expression(expression, undefined_to_none=False)

    def value(values: Values) -> object:
        found = evaluate(**values)
        if isinstance(found, Undefined):
            str(found)  # raises an error with the missing name
        return found

    return value


def _named(values: Values, name: str) -> object:
    """Look up a name: the same as evaluating it, in a hundredth of the time."""
    if name not in values:
        raise ConfigError(f"'{name}' is undefined")
    return values[name]
