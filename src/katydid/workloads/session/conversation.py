"""One user's conversation: makes its messages, and checks the answers.

Every message carries a marker (`workloads.session.markers`), so that text in an answer can be traced to its user. This
module knows no transport: it makes the values for the request templates, and is given the answers.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from katydid.dialects.loading import FieldPath
from katydid.model.formatting import plural
from katydid.workloads.session.answers import ScenarioAnswer
from katydid.workloads.session.markers import Marker, Markers
from katydid.workloads.session.scenario import Scenario

UNKNOWN_USER = -1
"""Stands for a user of another run."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A check that an answer failed."""

    check: str
    detail: str
    """One sentence that names both users, without quoting their texts."""
    other: int | None = None
    """The user whose text was leaked, if any."""


@dataclass(frozen=True, slots=True)
class AnswerJudgement:
    """The checks made on an answer, and their violations."""

    checks: tuple[str, ...]
    violations: tuple[Violation, ...] = ()
    markers: int | None = None
    """Number of markers found in the answer; None for answers that never contain any."""


class Conversation:
    """The conversation of one user.

    Args:
        index: the user's index in the run.
        name: the user's name at the service; all names of this run begin with `prefix`.
        room: the user's room; None if the scenario has none.
        facts: more values for templates.

    Attributes:
        values: the values for the next request's templates; the service's `session` id is added to them.
    """

    def __init__(
        self,
        scenario: Scenario,
        markers: Markers,
        *,
        index: int,
        name: str,
        prefix: str,
        room: str | None,
        facts: Mapping[str, object],
    ) -> None:
        self._scenario = scenario
        self._markers = markers
        self._index = index
        self._prefix = prefix
        self.name, self.room = name, room
        self._history: list[dict[str, str]] = []
        self.values: dict[str, Any] = {"user": name, "index": index, "turn": 0, "history": self._history, **facts}
        if room is not None:
            self.values["room"] = room
        self._kept: list[int] = []
        self._off = 0
        self._unsure: set[int] = set()

    def say(self, turn: int) -> None:
        """Make the message of a turn, from 1, and put it into `values`."""
        scenario, values = self._scenario, self.values
        values["turn"] = turn
        values["marker"] = self._markers.make(self._index, turn)
        safety = scenario.safety
        text = safety.message if safety and safety.covers(turn) else scenario.text
        values["text"] = str(text(values))
        self._history.append({"role": "user", "content": values["text"]})
        self._unsure.add(turn)

    def hear(self, answer: ScenarioAnswer) -> AnswerJudgement:
        """Check the answer to a message.

        It is not called for a message without an answer; then it is unknown whether the service kept that message.
        """
        scenario, turn, field = self._scenario, self.values["turn"], answer.field("text")
        text = field if isinstance(field, str) else ""
        self._unsure.discard(turn)
        self._kept.append(turn)
        self._history.append({"role": "assistant", "content": text})
        found = list(self._markers.find(answer.text))
        checks, wrong = ["isolation"], self._foreign(found, "received")
        safety = scenario.safety if scenario.safety and scenario.safety.covers(turn) else None
        due = safety is not None and turn == safety.turn
        calming = safety is not None and safety.expect.search(text) is not None
        canned = not found and (due or calming)  # a fixed safety answer repeats no marker
        echoes = scenario.echoes and not canned
        if echoes or "id" in scenario.message.read:
            checks.append("independent_streams")
            if answer.mixed:
                wrong.append(self._wrong("independent_streams", "received parts of several answers in one stream"))
            if echoes and Marker(self._index, turn) not in found:
                wrong.append(self._wrong("independent_streams", "received an answer to another message"))
        if scenario.count is not None and "count" in scenario.message.read and not self._unsure:
            checks.append("message_count")
            wrong += self._miscounted(answer.field("count"), scenario.count(self.values))
        if due:
            checks.append("safety_answer")
            if not calming:
                wrong.append(self._wrong("safety_answer", "did not receive the safety answer"))
        return AnswerJudgement(tuple(checks), tuple(wrong), len(found))

    def see_members(
        self, answer: ScenarioAnswer, expected: Iterable[str], strangers: set[str] | None
    ) -> AnswerJudgement:
        """Check the list of a room's members, among them all `expected` users of this run.

        Others, `strangers`, must be those that another user saw; None for the first user to ask.
        """
        members = names_in(answer.field("members"))
        ours = {name for name in members if name.startswith(self._prefix)}
        others = self.strangers(answer)
        wrong = []
        if missing := set(expected) - ours:
            wrong.append(f"{len(missing)} of its users missing ({', '.join(sorted(missing)[:3])})")
        if extra := ours - set(expected):
            wrong.append(f"{len(extra)} listed who are not in it ({', '.join(sorted(extra)[:3])})")
        if strangers is not None and others != strangers:
            wrong.append("its members from outside this run differ from those that another user sees")
        detail = f"{self.name} sees a wrong list of members in {self.room}: {'; '.join(wrong)}"
        return AnswerJudgement(("room_members",), (Violation("room_members", detail),) if wrong else ())

    def strangers(self, answer: ScenarioAnswer) -> set[str]:
        """Return the members that are not users of this run."""
        return {name for name in names_in(answer.field("members")) if not name.startswith(self._prefix)}

    def see_history(self, answer: ScenarioAnswer, content: FieldPath | None) -> AnswerJudgement:
        """Check the history that the service kept: a list of texts, or of objects with a text at `content`.

        The order of messages is only checked if some have a text; some services return only their ids.
        """
        messages = answer.field("messages")
        values = [content.find(each) if content else each for each in (messages if isinstance(messages, list) else [])]
        texts = [value if isinstance(value, str) else "" for value in values]
        found = [marker for text in texts for marker in self._markers.find(text)]
        wrong = self._foreign(found, "has in its history")
        kept: list[int] = []
        for marker in found:
            if marker.user == self._index and marker.turn is not None and kept[-1:] != [marker.turn]:
                kept.append(marker.turn)
        readable = any(texts) or not texts
        if readable and [turn for turn in kept if turn not in self._unsure] != self._kept:
            lost = len(set(self._kept) - set(kept))
            kept_in_all = plural(len(self._kept), "message")
            how = f"lacks {lost} of its {kept_in_all}" if lost else "has its messages in the wrong order"
            wrong.append(Violation("own_history", f"{self.name}'s history {how}"))
        return AnswerJudgement(("isolation", "own_history"), tuple(wrong), len(found))

    def _wrong(self, check: str, what: str, other: int | None = None) -> Violation:
        return Violation(check, f"user {self._index} at turn {self.values['turn']} {what}", other)

    def _foreign(self, found: list[Marker], how: str) -> list[Violation]:
        strange = next((marker for marker in found if marker.user != self._index), None)
        if strange is None:
            return []
        if strange.user is None:
            return [self._wrong("isolation", f"{how} a text of another run", UNKNOWN_USER)]
        return [
            self._wrong("isolation", f"{how} a text of user {strange.user} (its turn {strange.turn})", strange.user)
        ]

    def _miscounted(self, count: object, expected: object) -> list[Violation]:
        if not isinstance(count, int) or not isinstance(expected, int):
            wrong = str(count) != str(expected)
        else:
            wrong, self._off = count - expected != self._off, count - expected  # report a lost message only once
        detail = f"was told a message count of {count}, but {expected} were sent"
        return [self._wrong("message_count", detail)] if wrong else []


def names_in(members: object) -> set[str]:
    """Return the names in a list of names or of objects with `name`, `user` or `username`, or an object's keys."""
    if isinstance(members, dict):
        return set(members)
    names = set()
    for each in members if isinstance(members, list) else []:
        known = [each[key] for key in ("name", "user", "username") if key in each] if isinstance(each, dict) else [each]
        names |= {str(name) for name in known[:1]}
    return names
