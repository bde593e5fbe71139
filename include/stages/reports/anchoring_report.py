"""What the notes say of anchoring: by confidence, how much more often people give a pre-label that they see."""

from dataclasses import dataclass
from math import isfinite

from include.foundation.statistics.estimates import Estimate
from include.foundation.store.ledgers.prelabel_arms import Band, anchoring, shown_from
from include.foundation.store.tables import LoopStore


@dataclass(frozen=True)
class BandInWords:
    """How pre-labels of some confidence are followed, and what that means."""

    tier: str
    confidence: str
    shown: Estimate
    hidden: Estimate
    more: str
    meaning: str


@dataclass(frozen=True)
class AnchoringReport:
    """How pre-labels are followed, and what becomes of it: ``bands`` is empty if chance never hid one."""

    bands: list[BandInWords]
    consequence: str


def anchoring_report(store: LoopStore) -> AnchoringReport:
    """Return what is known of anchoring now."""
    labeling, bands = store.loop.labeling, anchoring(store)
    start = shown_from(bands, labeling.max_anchoring)
    allowed = f"labeling.max_anchoring allows {100 * labeling.max_anchoring:g} points"
    kept = f"but for a share of {labeling.hidden_prelabel_share:g} that goes on measuring"
    if start == 0:
        consequence = f"Pre-labels stay shown, {kept}: {allowed}"
    elif isfinite(start):
        consequence = f"Pre-labels below a confidence of {start:g} are hidden from now on, {kept}: {allowed}"
    else:
        consequence = f"Pre-labels of every confidence are hidden from now on, {kept}: {allowed}"
    return AnchoringReport([_in_words(store, band) for band in bands], consequence)


def _in_words(store: LoopStore, band: Band) -> BandInWords:
    followed = band.followed
    more = followed.difference
    text = "unknown"
    if more.value is not None and more.low is not None and more.high is not None:
        text = f"{100 * more.value:+.1f} points ({100 * more.low:+.1f} to {100 * more.high:+.1f})"
    confidence = f"{band.low:g} to {band.high:g}" if isfinite(band.high) else f"{band.low:g} or more"
    meaning = _meaning(more, store.loop.labeling.max_anchoring)
    return BandInWords(store.loop.tier(band.tier).name, confidence, followed.shown, followed.hidden, text, meaning)


def _meaning(more: Estimate, most: float) -> str:
    if more.low is None or more.high is None:
        return "inconclusive: too few were shown, or hidden"
    if more.low > most:
        return "people follow it too much"
    return "people hardly follow it" if more.high <= most else "inconclusive"
