"""Anchoring from the tables: which answers count in which band, and from which confidence pre-labels are shown."""

from math import inf

import pytest

from include.foundation.statistics.anchoring import Followed
from include.foundation.statistics.estimates import UNKNOWN, Estimate
from include.foundation.store.ledgers.prelabel_arms import Band, anchoring, shown_from
from tests.include.stages.selection.selection_builders import DAY, add_rows, make_selection_loop, make_selection_store

SAME = {
    "batch_id": "b", "stratum": "certainty", "split": "train", "inclusion_probability": 1.0, "reasons": ["r"],
    "prelabel": "earn", "asked_at": DAY, "tier": 1, "shown_probability": 0.5,
}  # fmt: skip


def asked_store(folder, requests, **sections):
    """A store of requests, each with the label that one person gave, or None."""
    store = make_selection_store(folder, [], loop=make_selection_loop(**sections))
    rows = [SAME | {"request_id": f"r{n:04d}", "trace_id": f"t{n}", "content_key": f"k{n}", "prelabel_confidence": 0.6}
            | request for n, (request, _) in enumerate(requests)]  # fmt: skip
    said = [
        {"annotation_id": f"a{n}", "request_id": f"r{n:04d}", "trace_id": f"t{n}", "annotator": "ann", "label": label,
         "created_at": DAY, "source": "f"}
        for n, (_, label) in enumerate(requests) if label is not None
    ]  # fmt: skip
    add_rows(store, "requests", rows)
    add_rows(store, "annotations", said)
    return store


def half(times, **fields):
    """Twenty requests that showed the pre-label, so many of them answered by it, and twenty that hid it, one of two by it."""
    shown = [({"hidden_prelabel": False, **fields}, "earn" if n < times else "acq") for n in range(20)]
    return shown + [({"hidden_prelabel": True, **fields}, "earn" if n % 2 else "acq") for n in range(20)]


def test_shares_by_tier_and_confidence(tmp_path):
    store = asked_store(
        tmp_path, [*half(18), *half(12, prelabel_confidence=0.9), *half(20, prelabel_confidence=0.9, tier=2)]
    )
    found = anchoring(store)
    assert [(band.tier, band.low, band.high) for band in found] == [(1, 0.5, 0.7), (1, 0.9, inf), (2, 0.9, inf)]
    assert [band.followed.difference.value for band in found] == pytest.approx([0.4, 0.1, 0.5])
    assert [band.followed.hidden.rows for band in found] == [20, 20, 20]


@pytest.mark.parametrize(
    ("fields", "label"),
    [
        ({"shown_probability": None}, "earn"),  # chance had no say
        ({}, None),
        ({}, ""),  # declined
        ({"prelabel": None}, "earn"),
    ],
)
def test_what_says_nothing_of_anchoring_is_left_out(tmp_path, fields, label):
    store = asked_store(tmp_path, [*half(18), *[({"hidden_prelabel": False, **fields}, label)] * 15])
    (band,) = anchoring(store)
    assert band.followed.shown.rows == 20


def test_renamed_class_is_the_one_of_today(tmp_path):
    renamed = {"task": {"kind": "classification", "classes": ["acq", "profit"], "renamed": {"earn": "profit"}}}
    (band,) = anchoring(asked_store(tmp_path, half(18), **renamed))
    assert band.followed.shown.value == pytest.approx(0.9)


def test_nothing_asked_is_no_band(tmp_path):
    assert anchoring(asked_store(tmp_path, [])) == []


def band(low, high, least, tier=1):
    share = Estimate(0.5, 0.4, 0.6, 30, 30.0)
    apart = UNKNOWN if least is None else Estimate(least + 0.05, least, least + 0.1, 60, 60.0)
    return Band(tier, low, high, Followed(share, share, apart))


@pytest.mark.parametrize(
    ("bands", "start"),
    [
        ([], 0.0),
        ([band(0.5, 0.7, 0.05)], 0.0),
        ([band(0.5, 0.7, 0.06)], 0.7),
        ([band(0.5, 0.7, 0.2), band(0.7, 0.9, 0.0)], 0.7),
        ([band(0.5, 0.7, -0.1), band(0.7, 0.9, 0.2)], 0.9),
        ([band(0.9, inf, 0.2)], inf),
        ([band(0.5, 0.7, None)], 0.0),
        ([band(0.5, 0.7, 0.2, tier=2)], 0.0),
    ],
)
def test_prelabels_are_shown_above_every_band_that_is_followed_too_much(bands, start):
    assert shown_from(bands, 0.05) == start
