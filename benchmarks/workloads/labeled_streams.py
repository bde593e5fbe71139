"""Streams of logged rows with a model's confidence, of which some are drawn and labeled: the worlds of `estimates`."""

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from include.foundation.statistics.votes import Votes
from include.stages.selection.quotas import drawn_places

DAYS, A_DAY, DRAWN = 28, 800, 16
CLASSES = 4
Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class World:
    """What a stream is like.

    ``sharpness`` is by how much confidence tells rows apart: chances to be right have a beta distribution with this many
    observations, the fewer the sharper; 0: confidence tells nothing. ``distortion`` raises confidence to a power below 1.
    """

    accuracy: float = 0.85
    sharpness: float = 0.8
    distortion: float = 1.0
    drawn: int = DRAWN
    contents: int = 0  # popular ones are served again and again; 0: every row is another
    drop: float = 0.0  # by how much accuracy falls on the last ten days, of which confidence says nothing
    segments: bool = False  # three, of 90, 9 and 1 % of rows, ever harder, of which a quota is drawn
    uneven: bool = False  # days of a tenth of the rows to ten times as many
    annotators: float = 0.0  # how often each of three is right; 0: labels are true
    declined: float = 0.0  # how much of the least confident rows nobody answers; half as much on average


@dataclass(frozen=True)
class Stream:
    """Logged rows, and labels of some.

    ``truth`` is which of all rows are predicted rightly, ``right`` what labels say of those at ``labeled``, drawn with
    ``chances``. ``votes`` are of the labeled rows, in their order.
    """

    day: Numbers
    content: Numbers
    confidence: Floats
    truth: Floats
    labeled: Numbers
    chances: Floats
    right: Floats
    groups: list[str] | None = None
    votes: Votes | None = None
    predicted: Numbers | None = None
    unanswered: float = 0.0


STREAMS = {
    "informative confidence": World(),
    "informative confidence, overconfident": World(distortion=0.3),
    "uninformative confidence": World(sharpness=0.0),
    "one label a day": World(drawn=1),
    "one label a day, uninformative": World(drawn=1, sharpness=0.0),
    "accuracy 0.99": World(accuracy=0.99, sharpness=0.4, drawn=8),
    "repeats": World(contents=3000),
    "drift": World(drop=0.15),
    "uneven days": World(uneven=True),
    "quotas": World(segments=True),
    "noise": World(annotators=0.9),
    "non-response": World(declined=0.6),
}  # fmt: skip


def stream(name: str, seed: int) -> Stream:
    """Return a stream of a world.

    Parameters
    ----------
    name
        One of `STREAMS`.
    seed
        Of what chance does.
    """
    world, generator = STREAMS[name], np.random.default_rng([seed, sorted(STREAMS).index(name)])
    day = np.repeat(np.arange(DAYS), _volumes(world, generator))
    content, segment = _contents(world, day.size, generator)
    chance = _chances(world, segment, generator)
    known = chance if world.sharpness else generator.beta(8, 2, chance.size)
    luck = generator.random(int(content.max()) + 1)[content]
    truth = (luck < chance[content] - world.drop * (day >= DAYS - 10)).astype(np.float64)
    confidence = known[content] ** world.distortion
    labeled, chances = _draw(world, day, segment[content], generator)
    drawn = Stream(day, content, confidence, truth, labeled, chances, truth[labeled])
    if world.declined:
        drawn = _answered(drawn, world, generator)
    return drawn if not world.annotators else _judged(drawn, world, generator)


def _volumes(world: World, generator: np.random.Generator) -> Numbers:
    scale = 10 ** generator.uniform(-1, 1, DAYS) if world.uneven else np.ones(DAYS)
    return np.asarray(np.maximum(scale * A_DAY, DRAWN)).astype(np.int64)


def _contents(world: World, rows: int, generator: np.random.Generator) -> tuple[Numbers, Numbers]:
    """Return the content of each row, and the segment of each content."""
    contents = world.contents or rows
    share = 1 / np.arange(1, contents + 1)
    served = generator.choice(contents, rows, p=share / share.sum()) if world.contents else np.arange(rows)
    segment = (
        generator.choice(3, contents, p=[0.9, 0.09, 0.01]) if world.segments else np.zeros(contents, dtype=np.int64)
    )
    return served, segment


def _chances(world: World, segment: Numbers, generator: np.random.Generator) -> Floats:
    """Return with which chance the model is right in each content; segments are harder by ten points each."""
    mean = np.clip(world.accuracy - 0.1 * segment, 0.01, 0.99)
    if not world.sharpness:
        return np.asarray(mean)
    return np.asarray(generator.beta(world.sharpness * mean, world.sharpness * (1 - mean)))


def _draw(world: World, day: Numbers, segment: Numbers, generator: np.random.Generator) -> tuple[Numbers, Floats]:
    """Return the drawn rows and the probability with which each was, as the loop draws them: each day, with a quota."""
    places, chances = [], []
    for number in range(DAYS):
        rows = generator.permutation(np.flatnonzero(day == number))
        values = segment[rows].tolist()
        kept, probabilities = drawn_places(values, Counter(values), world.drawn, 3 if world.segments else 1)
        places.append(rows[kept])
        chances += probabilities
    return np.concatenate(places), np.array(chances)


def _answered(drawn: Stream, world: World, generator: np.random.Generator) -> Stream:
    """Return the stream without the labels of what nobody answered, the rather the less the model was sure."""
    ranks = np.argsort(np.argsort(drawn.confidence[drawn.labeled])) / drawn.labeled.size
    kept = generator.random(ranks.size) >= world.declined * (1 - ranks)
    return replace(drawn, labeled=drawn.labeled[kept], chances=drawn.chances[kept], right=drawn.right[kept])


def _judged(drawn: Stream, world: World, generator: np.random.Generator) -> Stream:
    """Return the stream with labels by the majority of three people, and their votes."""
    rows = drawn.labeled.size
    label = generator.integers(0, CLASSES, rows)
    predicted = np.where(drawn.truth[drawn.labeled] == 1, label, _other(label, generator))
    said = np.where(
        generator.random((3, rows)) < world.annotators, label, np.stack([_other(label, generator) for _ in range(3)])
    )
    item, who = np.tile(np.arange(rows), 3), np.repeat(np.arange(3), rows)
    votes = Votes(item, who, said.ravel(), rows, 3, CLASSES)
    agreed = np.where(said[1] == said[2], said[1], said[0])
    return replace(drawn, right=(agreed == predicted).astype(np.float64), votes=votes, predicted=predicted)


def _other(label: Numbers, generator: np.random.Generator) -> Any:
    return (label + generator.integers(1, CLASSES, label.size)) % CLASSES
