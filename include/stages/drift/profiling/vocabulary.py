"""The numbers that are watched of a text: its lengths, and the share of its words that a vocabulary does not have."""

import base64
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from include.foundation.decisions.drift_verdict import ALL_ROWS
from include.stages.drift.profiling.column_profile import Profile

Profiles = dict[tuple[str, str], list[Profile]]

WORD_BUCKETS = 1 << 18
UNKNOWN = "unknown_words"
OF = "@"  # between a measure and the vocabulary that it was taken with


@dataclass(frozen=True)
class Vocabulary:
    """How many texts of some days have a word of each bucket.

    Attributes
    ----------
    days
        The days, ``YYYY-MM-DD``, newest first; the newest is its name.
    texts
        int64, (`WORD_BUCKETS`,): 0, 1 or 2, which means two or more. A word's bucket is its hash, which bounds the size: with
        thirty thousand words, about one unknown word in ten is taken for a known one.
    """

    days: tuple[str, ...]
    texts: NDArray[np.int64]

    @property
    def name(self) -> str:
        """Its newest day."""
        return self.days[0]

    def unknown(self, buckets: NDArray[np.intp], day: str) -> NDArray[np.bool_]:
        """Return which words, by bucket, (n,), occur in no *other* text of its days: so those days are like any later one."""
        return self.texts[buckets] < (2 if day in self.days else 1)

    def to_bytes(self) -> bytes:
        """Return what `from_bytes` reads."""
        packed = base64.b64encode(zlib.compress(self.texts.astype(np.uint8).tobytes())).decode()
        return json.dumps({"days": self.days, "texts": packed}).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> "Vocabulary":
        """Return the vocabulary that `to_bytes` wrote."""
        raw = json.loads(content)
        texts = np.frombuffer(zlib.decompress(base64.b64decode(raw["texts"])), dtype=np.uint8)
        return cls(tuple(raw["days"]), texts.astype(np.int64))


def with_one_vocabulary(current: Profiles, reference: Profiles, *further: Profiles) -> list[Profiles]:
    """Return profiles by segment and column, those of unknown words of one vocabulary alone and under one name.

    It is the vocabulary of the window that most reference days were profiled with, of several the newest: shares of words that
    two vocabularies do not have cannot be compared.
    """
    days = {column: len(profiles) for (segment, column), profiles in reference.items() if segment == ALL_ROWS}
    names = sorted({column for _, column in [*current, *reference] if f":{UNKNOWN}" in column})
    own = {column for _, column in current}
    chosen = {name.partition(OF)[0]: name for name in sorted(names, key=lambda name: (name in own, days.get(name, 0)))}
    others = set(names) - set(chosen.values())

    def renamed(profiles: Profiles) -> Profiles:
        kept = {key: profiles[key] for key in profiles if key[1] not in others}
        return {(segment, column.partition(OF)[0]): kept[segment, column] for segment, column in kept}

    return [renamed(profiles) for profiles in (current, reference, *further)]


def add_words(texts: NDArray[np.int64], values: pa.Array) -> int:
    """Count the words of a batch of texts in ``texts``, those of a `Vocabulary`, in place; return how many texts have words."""
    words, of_text, lengths = _words(_as_strings(values))
    pairs = np.unique(of_text * WORD_BUCKETS + words)
    np.add.at(texts, pairs % WORD_BUCKETS, 1)
    np.minimum(texts, 2, out=texts)
    return int((lengths > 0).sum())


def text_numbers(values: pa.Array, vocabularies: Sequence[Vocabulary], day: str) -> dict[str, NDArray[np.float64]]:
    """Return ``characters`` and ``words`` of each text, and for each vocabulary ``unknown_words@<name>``.

    Parameters
    ----------
    values
        Strings, (n,), which may be dictionary encoded; null is a missing text.
    vocabularies
        Of the column; none yet, one, or two of which one takes over from the other.
    day
        Day of the texts, ``YYYY-MM-DD``.

    Returns
    -------
    dict
        float64, (n,), by measure. Words are runs of letters and digits, whatever their case. Null texts give NaN; the share is
        also NaN for a text without words.
    """
    if isinstance(values, pa.DictionaryArray) and len(values.dictionary) <= len(values):
        codes = values.indices.to_numpy(zero_copy_only=False)
        missing = np.isnan(codes) if codes.dtype.kind == "f" else np.zeros(len(codes), dtype=bool)
        places = np.where(missing, 0, codes).astype(np.intp)
        measures = text_numbers(values.dictionary, vocabularies, day)
        return {
            name: np.full(len(codes), np.nan) if missing.all() else np.where(missing, np.nan, of_text[places])
            for name, of_text in measures.items()
        }
    texts = _as_strings(values)
    words, of_text, lengths = _words(texts)
    characters = pc.utf8_length(texts).to_numpy(zero_copy_only=False).astype(np.float64)
    measures = {"characters": characters, "words": lengths}
    for vocabulary in vocabularies:
        unknown = measures[f"{UNKNOWN}{OF}{vocabulary.name}"] = np.full(len(texts), np.nan)
        outside = np.bincount(of_text, vocabulary.unknown(words, day), minlength=len(texts))
        np.divide(outside, lengths, out=unknown, where=lengths > 0)
    return measures


def _words(texts: pa.Array) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Return the bucket of every word, the place of its text, and the number of words of each text, NaN for null."""
    cleaned = pc.utf8_trim_whitespace(pc.replace_substring_regex(pc.utf8_lower(texts), r"[^\pL\pN]+", " "))
    split = pc.split_pattern(cleaned, " ")
    lengths = pc.list_value_length(split).to_numpy(zero_copy_only=False).astype(np.float64)
    of_text = np.repeat(np.arange(len(texts)), np.nan_to_num(lengths).astype(np.intp))
    words = split.flatten().dictionary_encode()
    buckets = np.array(
        [zlib.crc32(word.encode()) % WORD_BUCKETS for word in words.dictionary.to_pylist()], dtype=np.intp
    )
    # Splitting a text without words gives one empty word.
    filled = pc.not_equal(cleaned, "").to_numpy(zero_copy_only=False)
    empty = np.array([word is False for word in filled], dtype=bool) if filled.dtype == object else ~filled
    keep = ~empty[of_text]
    lengths[empty] = 0
    return buckets[words.indices.to_numpy()][keep], of_text[keep], lengths


def _as_strings(values: pa.Array) -> pa.Array:
    return values.dictionary_decode() if isinstance(values, pa.DictionaryArray) else values.cast(pa.string())
