"""What feedback may mean otherwise than it says: ids of nobody in particular, other spellings of trace ids and classes."""

from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc

from include.foundation.intervals import Interval
from include.foundation.lines.people import PLACEHOLDERS
from include.foundation.lines.values import pseudonym
from include.foundation.store.person_keys import person_key
from include.foundation.store.scanning import Filter
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy
from include.stages.logs.feedback.feedback_joins import orphans
from include.stages.logs.feedback.said_class import said_class


def feedback_hints(store: LoopStore, interval: Interval, pseudonym_key: bytes) -> list[str]:
    """Return what a person should look at in the signals of an interval and its look-back; nothing is changed.

    Parameters
    ----------
    store
        Tables of the loop.
    interval
        The data interval.
    pseudonym_key
        The store's key of pseudonyms.
    """
    window = interval.widened(store.loop.logs.look_back_hours)
    within: Filter = [("ts", ">=", window.start), ("ts", "<", window.end)]
    return [
        *_of_placeholders(store, within, pseudonym_key),
        *_of_foldable_ids(store, interval, within),
        *_of_other_classes(store, within),
    ]


def _of_placeholders(store: LoopStore, within: Filter, pseudonym_key: bytes) -> list[str]:
    key = person_key(store, pseudonym_key, "user")
    spelled = {name for word in PLACEHOLDERS for name in (word, word.upper(), word.capitalize())}
    names = {pseudonym(name, key): name for name in spelled}
    rows = store.read("feedback", columns=["user_key"], filters=[*within, ("user_key", "in", sorted(names))])
    return [
        f"user_id: {count} signals say {names[user_key]!r} and count as one person; leave it out where nobody is known"
        for user_key, count in sorted(Counter(rows.column("user_key").to_pylist()).items(), key=lambda each: -each[1])
    ]


def _of_foldable_ids(store: LoopStore, interval: Interval, within: Filter) -> list[str]:
    """Say how many signals without a prediction would have one if their trace ids were written in another way."""
    lost = orphans(store, interval)
    if len(lost) == 0:
        return []
    served = store.read("predictions", columns=["trace_id"], filters=within).column("trace_id")
    spelled = _folded(served)
    respelled = lost.filter(pc.is_in(_folded(lost), value_set=spelled))
    if len(respelled) == 0:
        return []
    match = served[pc.index(spelled, _folded(respelled)[0]).as_py()]
    spelling = f"such as {respelled[0].as_py()!r} and {match.as_py()!r}"
    ignored = "upper case, dashes, white space, leading zeros and Unicode's normal form"
    counts = f"{len(respelled)} of {len(lost)} signals without a prediction"
    return [f"trace_id: {counts} would have one if {ignored} did not count, {spelling}; log one spelling"]


def _of_other_classes(store: LoopStore, within: Filter) -> list[str]:
    """Say how many corrections have a value that is no class: they nominate their rows, and answer nothing."""
    filters: Filter = [*within, ("signal", "=", "correction"), ("value", "!=", "")]
    values = store.read("feedback", columns=["value"], filters=filters).column("value").to_pylist()
    taxonomy = Taxonomy.of(store.loop.task)
    others = sum(said_class(taxonomy, value) is None for value in values)
    expected = "a correction is an answer if its value is a class as task.classes spells it"
    return [f"value: {others} of {len(values)} corrections name no class; {expected}"] if others else []


def _folded(ids: pa.ChunkedArray) -> pa.ChunkedArray:
    lower = pc.utf8_lower(pc.utf8_trim_whitespace(pc.utf8_normalize(ids.cast(pa.string()), "NFC")))
    return pc.utf8_ltrim(pc.replace_substring(lower, "-", ""), "0")
