"""Whatever a loop file holds, it is a loop or a list of problems: nothing else comes out, and in good time."""

import json
import random

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.foundation.config.key_problems import valid_loop
from include.foundation.config.strict_yaml import read_yaml
from include.foundation.errors import ConfigError
from include.foundation.intervals import next_ticks
from tests.include.foundation.config.loop_texts import VALID

TOKENS = (
    "030", "1:30", "NO", "yes", "~", "null", "2026-02-30", "2026-01-01", "9" * 5000, "-1", "1e400", ".nan", "0x1F", "*b", "&b ",
    "<<: *b", "!!binary x", "!!set {a, b}", "? ", "- ", "[", "]", "{", "}", ": ", "#", "'", '"', "|", ">", "@", "%", "\t", "\n",
    "\x00", "\ufeff", "\u2028", "\ud7ff", "\U0001f600", '"\\ud800"', "---", "...", "(", "(?P<", "s3://", "0 25 * * *", "@once",
)  # fmt: skip
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.dates(), st.sampled_from(TOKENS),
    st.binary(max_size=4), st.datetimes(),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)


def read(text):
    """Return the loop, or None where the text is refused with its problems; anything else is raised."""
    try:
        loop = valid_loop(read_yaml(text), "wire")
    except ConfigError as error:
        str(error).encode()
        return None
    json.dumps(loop.model_dump(mode="json"), allow_nan=False).encode()
    assert len(loop.digest) == 64
    assert len(next_ticks(loop.logs.schedule, 2)) == 2
    return loop


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32), st.integers(1, 5))
def test_text_that_is_damaged_anywhere_gives_a_loop_or_its_problems(seed, times):
    chance, text = random.Random(seed), VALID
    for _ in range(times):
        start = chance.randrange(len(text) + 1)
        end = start + chance.choice((0, 0, 1, 5, 40))
        token = chance.choice(TOKENS) if chance.random() < 0.8 else text[chance.randrange(len(text)) :][:20]
        text = text[:start] + token + text[end:]
    read(text)


def places(value, path=()):
    """Yield the path of every value."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_values_that_are_replaced_added_or_removed_give_a_loop_or_its_problems(data):
    raw = yaml.safe_load(VALID)
    for _ in range(data.draw(st.integers(1, 4))):
        path = data.draw(st.sampled_from(list(places(raw))))
        parent = raw
        for part in path[:-1]:
            parent = parent[part]
        how = data.draw(st.sampled_from(("replace", "remove", "add")))
        if how == "remove":
            del parent[path[-1]]
        elif how == "replace":
            parent[path[-1]] = data.draw(VALUES)
        elif isinstance(parent, dict):
            parent[data.draw(st.text(max_size=6))] = data.draw(VALUES)
        else:
            parent.append(data.draw(VALUES))
        if not raw:
            break
    read(yaml.safe_dump(raw, allow_unicode=True))


@settings(max_examples=200, deadline=None)
@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_any_text_gives_a_loop_or_its_problems(text):
    read(text)


KEYS = [path for path in places(yaml.safe_load(VALID)) if path != ("notify", 0, "params", "path")]


@pytest.mark.parametrize("value", ["NO", "1:30", "2026-02-30", "9" * 5000, '"\\0"'], ids=lambda text: text[:12])
def test_odd_value_is_a_problem_of_its_key_wherever_it_is(value):
    for path in KEYS:
        raw = yaml.safe_load(VALID)
        parent = raw
        for part in path[:-1]:
            parent = parent[part]
        parent[path[-1]] = "PLACE"
        with pytest.raises(ConfigError) as caught:
            valid_loop(read_yaml(yaml.safe_dump(raw).replace("PLACE", value)), "wire")
        key = ".".join(map(str, path))
        assert any(problem.split(": ")[1] == key for problem in caught.value.problems), caught.value
