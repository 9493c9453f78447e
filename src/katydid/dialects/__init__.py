"""The supported APIs: how to write their requests and read their answers. Pure: no sockets, no clock."""

from collections.abc import Collection

from katydid.dialects.anthropic import Anthropic
from katydid.dialects.base import Dialect, answers_of, configured
from katydid.dialects.generic import GenericSse
from katydid.dialects.ollama import Ollama
from katydid.dialects.openai import Completions, OpenAi
from katydid.dialects.responses import Responses
from katydid.dialects.retrieval import Embeddings, OllamaEmbed, Rerank
from katydid.model.errors import ConfigError
from katydid.model.options import check_table

DIALECTS: dict[str, Dialect] = {
    d.name: d
    for d in (
        OpenAi(), Responses(), Anthropic(), Ollama(), GenericSse(), Completions(), Embeddings(), OllamaEmbed(), Rerank()
    )
}  # fmt: skip
"""Every API by its `--api` name. Add a built-in one here; `register` adds one from a locustfile."""

_SHIPPED = frozenset(DIALECTS) - {"embeddings", "rerank"}
"""Names that `register` rejects. The two newest APIs may be replaced: locustfiles may have registered those names."""
_MEMBERS = ("name", "endpoint", "models_endpoint", "headers", "body", "parse_models", "stream_parser", "parse_answer")


def register(new: Dialect) -> None:
    """Add an API to the ones that `--api` accepts. Call it in the locustfile, so that every worker does it too.

    Registering a name again replaces the earlier dialect: Locust may read a locustfile twice.

    Raises:
        ConfigError: the dialect lacks a required member, or has the name of a built-in API.
    """
    kind = new.__name__ if isinstance(new, type) else type(new).__name__
    if isinstance(new, type):
        raise ConfigError(f"register({kind}): give an instance, such as register({kind}())")
    if missing := [name for name in _MEMBERS if not hasattr(new, name)]:
        raise ConfigError(f"register({kind}()): a dialect also has {', '.join(missing)}; see katydid.Dialect")
    if new.name in _SHIPPED:
        raise ConfigError(f"register({kind}()): {new.name!r} is the name of a built-in API: choose another")
    if (options := getattr(new, "options", None)) is not None:
        check_table(options, f"register({kind}()): its options")
        if not hasattr(new, "configured"):
            raise ConfigError(f"register({kind}()): it has options, so it also needs a configured(options) method")
    DIALECTS[new.name] = new


def dialect(name: str, options: object = None) -> Dialect:
    """Look up a dialect by its `--api` name.

    Args:
        name: the name.
        options: an instance of the dialect's `options` class; None for the defaults.

    Raises:
        ConfigError: no API has that name, or its options are invalid.
    """
    try:
        found = DIALECTS[name]
    except KeyError:
        raise ConfigError(f"--api {name!r} is not one of {', '.join(DIALECTS)}") from None
    return found if options is None else configured(found, options)


def dialect_answering(kinds: Collection[str], name: str, options: object = None) -> Dialect:
    """Look up a dialect as `dialect` does, and check that its kind of answers (`Dialect.answers`) is among `kinds`.

    Raises:
        ConfigError: as `dialect` does, or the API gives another kind of answers.
    """
    found = dialect(name, options)
    if (kind := answers_of(found)) in kinds:
        return found
    known = ", ".join(each for each, other in DIALECTS.items() if answers_of(other) in kinds)
    raise ConfigError(f"--api {name}: this workload cannot read its answers ({kind}): use one of {known}")
