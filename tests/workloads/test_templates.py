"""Templates: every name known, nothing reached that must not be."""

import pytest

from katydid.model.errors import ConfigError
from katydid.workloads.session.templates import compiled

VALUES = {"turn": 3, "history": [{"role": "user"}], "user": "eve"}


@pytest.mark.parametrize(
    ("template", "result"),
    [
        ("plain", "plain"),
        ("turn {{ turn }} of {{ user }}", "turn 3 of eve"),
        ("{{ turn }}", 3),
        ("{{ history }}", [{"role": "user"}]),
        ("{{ turn + 1 }}", 4),
        ({"a": ["{{ turn }}", 1, True], "b": {"c": "{{ user | upper }}"}}, {"a": [3, 1, True], "b": {"c": "EVE"}}),
    ],
)
def test_values_are_filled_in_wherever_they_stand(template, result):
    assert compiled(template, "x")(VALUES) == result


@pytest.mark.parametrize("template", ["{{ sesion }}", "a {{ sesion }}", "{{ sesion + 1 }}", {"k": ["{{ sesion }}"]}])
def test_an_unknown_name_is_told(template):
    with pytest.raises(ConfigError, match="'sesion' is undefined"):
        compiled(template, "message.body")(VALUES)


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ ''.__class__ }}",
        "a {{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ history.append(1) }}",
        "{% for i in range(10**9) %}x{% endfor %}",
    ],
)
def test_a_template_cannot_reach_out_of_its_sandbox(template):
    with pytest.raises(ConfigError, match=r"^message\.text: "):
        compiled(template, "message.text")(VALUES)
    assert VALUES["history"] == [{"role": "user"}]


def test_what_is_no_template_is_told():
    with pytest.raises(ConfigError, match=r"^message\.text: not a template"):
        compiled("a {{ turn", "message.text")
