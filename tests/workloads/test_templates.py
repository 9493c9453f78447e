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


@pytest.mark.parametrize(
    "template",
    [
        "{{ 'a'|center(2000000000) }}",
        "a {{ 'a'|center(2000000000) }}",
        "{{ 'a'.center(2000000000) }}",
        "{{ 'x' * 1000000000 }}",
        "{{ [0] * 1000000000 }}",
        "{{ 1000000000 * 'x' }}",
        "{{ 9 ** (9 ** 9) }}",
        "{{ '%2000000000d' % 1 }}",
        "{{ '%*d' % (2000000000, 1) }}",
        "{{ '%2000000000d' | format(1) }}",
        "{{ '{:>2000000000}'.format(1) }}",
        "{{ 'a'.zfill(width=2000000000) }}",
        "{{ ('a' * 1000000).replace('a', 'b' * 1000000) }}",
        "{{ ('a' * 1000000) | replace('a', 'b' * 1000000) }}",
        "{{ ('a' * 1000000) | join('b' * 1000000) }}",
        "{{ ('\t' * 1000000).expandtabs(1000000) }}",
        "{{ lipsum(n=1000000) }}",
        "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
        "{% for i in range(99999) %}{{ 'x' * 1000000 }}{% endfor %}",
        "{% set n = namespace(x='ab') %}{% for i in range(99) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
        "{% set n = namespace(x='ab') %}{% for i in range(99) %}{% set n.x = n.x + n.x %}{% endfor %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    ],
)
def test_a_template_fills_no_memory_and_ends(template):
    with pytest.raises(ConfigError, match=r"^message\.text: "):
        compiled(template, "message.text")(VALUES)


def test_loops_joins_and_filters_of_a_usual_size_are_filled_in():
    text = "{% for m in history %}{% for i in range(3) %}{{ m.role ~ '-' ~ i }},{% endfor %}{% endfor %}"
    assert compiled(text, "x")(VALUES) == "user-0,user-1,user-2,"
    assert compiled("{{ 'a' ~ turn | string }}", "x")(VALUES) == "a3"
    assert compiled("{{ 'ab' | center(6) ~ user | replace('e', 'ee') }}!", "x")(VALUES) == "  ab  eevee!"
    assert compiled("{{ history | tojson }} {{ [1, 2] | join(',') }}", "x")(VALUES) == '[{"role": "user"}] 1,2'
    assert compiled("{{ '%05d' % turn }} {{ 'k' * 3 }} {{ 2 ** 10 }}", "x")(VALUES) == "00003 kkk 1024"


def test_what_is_no_template_is_told():
    with pytest.raises(ConfigError, match=r"^message\.text: not a template"):
        compiled("a {{ turn", "message.text")
