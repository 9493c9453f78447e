"""What users say: the built-in prompts, or those of a file. Knows nothing of APIs or sockets."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from katydid.model.errors import ConfigError

Message = dict[str, Any]

_SHAREGPT_ROLES = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "system": "system",
}

_BUILT_IN = """\
Explain how a rainbow forms to a curious child.
Write a short story about a lighthouse keeper and a lost sailor.
List ten ways to save water at home and say why each matters.
Describe the taste of an orange to somebody who has never eaten one.
Compare travelling by train with travelling by car over a long distance.
Give step by step instructions for repotting a house plant.
Summarise the life of a star from its birth to its end.
Write a letter to a friend about the first day in a new town.
Explain what inflation is and how it changes the price of bread.
Invent a game for four players that needs only a pencil and paper.
Describe a busy market square early in the morning.
Explain why the sea is salty and lakes mostly are not.
Write a dialogue between a gardener and a snail about lettuce.
Give advice to somebody who has to speak in public for the first time.
Explain the difference between weather and climate with examples.
Describe how bread is made, from the field to the table.
Write a poem of four stanzas about the night train.
Explain how a bicycle stays upright when it moves.
List the things to think about before adopting a dog.
Describe the view from a mountain hut during a storm.
Explain how vaccines teach the body to defend itself.
Write a recipe for a vegetable soup and explain every step.
Describe the work of a clockmaker two hundred years ago.
Explain what happens when you type an address into a web browser.
"""


@dataclass(frozen=True, slots=True)
class Prompts:
    """Conversations to send, and where they come from.

    Attributes:
        conversations: each a list of messages in OpenAI's form.
        source: `built-in`, or the file's path.
        sha256: of the text they were read from; two runs with equal ones sent the same prompts.
    """

    conversations: list[list[Message]]
    source: str
    sha256: str

    def index(self, seed: int, user: int, iteration: int) -> int:
        """Which conversation a user's request sends: the same for every version under test."""
        return (seed + user * 7919 + iteration * 104_729) % len(self.conversations)


def load_prompts(path: str | None) -> Prompts:
    """The prompts of a file, or the built-in ones.

    Raises:
        ConfigError: the file cannot be read, is of another kind, or has a line that is no prompt.
    """
    if path is None:
        return Prompts(_plain(_BUILT_IN), "built-in", _sha256(_BUILT_IN))
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"--prompts {path}: {(error.strerror or str(error)).lower()}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"--prompts {path}: is not UTF-8 text") from None
    kind = Path(path).suffix.lower()
    if kind not in {".txt", ".jsonl"}:
        raise ConfigError(f"--prompts {path}: give a .txt (a prompt a line) or a .jsonl file")
    conversations = _plain(text) if kind == ".txt" else _json_lines(path, text)
    if not conversations:
        raise ConfigError(f"--prompts {path}: holds no prompt")
    return Prompts(conversations, path, _sha256(text))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(text: str) -> list[list[Message]]:
    return [[{"role": "user", "content": line}] for line in text.splitlines() if line.strip()]


def _json_lines(path: str, text: str) -> list[list[Message]]:
    conversations = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                conversations.append(_conversation(json.loads(line)))
            except (ValueError, KeyError, TypeError):
                raise ConfigError(
                    f'--prompts {path}: line {number} is neither {{"messages": […]}} nor ShareGPT\'s form'
                ) from None
    return conversations


def _conversation(value: Any) -> list[Message]:
    """OpenAI's `messages`, ShareGPT's `conversations` (up to the last human turn), or a bare prompt."""
    if isinstance(value, str):
        return [{"role": "user", "content": value}]
    if "messages" in value:
        messages = [dict(m) for m in value["messages"]]
        if not messages or any("role" not in m for m in messages):
            raise ValueError("no messages")
        return messages
    turns = [{"role": _SHAREGPT_ROLES[turn["from"]], "content": str(turn["value"])} for turn in value["conversations"]]
    while turns and turns[-1]["role"] != "user":
        turns.pop()
    if not turns:
        raise ValueError("no human turn")
    return turns
