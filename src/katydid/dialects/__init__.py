"""What each API's requests look like and what its events mean. Pure: knows no socket and no clock."""

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
"""Every API by the name that `--api` takes; the place to add one. `register` adds those of other people's modules."""

_SHIPPED = frozenset(DIALECTS) - {"embeddings", "rerank"}
"""Names that are taken; the two that came later give way to files that had an API of that name before us."""
_MEMBERS = ("name", "endpoint", "models_endpoint", "headers", "body", "parse_models", "stream_parser", "parse_answer")


def register(new: Dialect) -> None:
    """Make an API of one's own known to `--api`; called by the locustfile that is run, on every worker too.

    One that is registered again, as where Locust reads a file twice, takes its own place.

    Raises:
        ConfigError: it lacks something that a dialect has, or its name is that of an API of ours.
    """
    kind = new.__name__ if isinstance(new, type) else type(new).__name__
    if isinstance(new, type):
        raise ConfigError(f"register({kind}): give an instance, as in register({kind}())")
    if missing := [name for name in _MEMBERS if not hasattr(new, name)]:
        raise ConfigError(f"register({kind}()): a dialect also has {', '.join(missing)}; see katydid.Dialect")
    if new.name in _SHIPPED:
        raise ConfigError(f"register({kind}()): {new.name!r} is the name of an API of Katydid's: choose another")
    if (options := getattr(new, "options", None)) is not None:
        check_table(options, f"register({kind}()): its options")
        if not hasattr(new, "configured"):
            raise ConfigError(f"register({kind}()): it has options, so write configured(options), which takes them")
    DIALECTS[new.name] = new


def dialect(name: str, options: object = None) -> Dialect:
    """An API by its name.

    Args:
        name: as `--api` takes it.
        options: what it has of its own, as its `options` are; None for their defaults.

    Raises:
        ConfigError: there is none of that name, or its options are wrong.
    """
    try:
        found = DIALECTS[name]
    except KeyError:
        raise ConfigError(f"--api {name!r} is not one of {', '.join(DIALECTS)}") from None
    return found if options is None else configured(found, options)


def dialect_answering(kinds: Collection[str], name: str, options: object = None) -> Dialect:
    """See `dialect`; one whose answers are of certain kinds (`base.Dialect`).

    Raises:
        ConfigError: its answers are of another kind, too.
    """
    found = dialect(name, options)
    if (kind := answers_of(found)) in kinds:
        return found
    known = ", ".join(each for each, other in DIALECTS.items() if answers_of(other) in kinds)
    raise ConfigError(f"--api {name}: its answers are {kind}, which this workload does not read: take one of {known}")
