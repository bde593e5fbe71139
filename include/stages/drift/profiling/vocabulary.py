"""The numbers that are watched of a text: its lengths, and the share of its words that the first day did not have."""

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

WORD_BUCKETS = 1 << 18
VOCABULARY_KIND = "vocabulary"


@dataclass(frozen=True)
class Vocabulary:
    """How many texts of the first day have a word of each bucket.

    Attributes
    ----------
    day
        The first day, ``YYYY-MM-DD``.
    texts
        int64, (`WORD_BUCKETS`,): 0, 1 or 2, which means two or more. A word's bucket is its hash, which bounds the size: with
        thirty thousand words, about one unknown word in ten is taken for a known one.
    """

    day: str
    texts: NDArray[np.int64]

    def unknown(self, buckets: NDArray[np.intp], day: str) -> NDArray[np.bool_]:
        """Return which words, by bucket, (n,), occur in no *other* text of the first day: so that day is like any later one."""
        return self.texts[buckets] < (2 if day == self.day else 1)

    def to_row(self, column: str) -> dict[str, Any]:
        """Return the vocabulary as a row of the table ``profiles``."""
        return {
            "day": self.day, "segment": "", "column": f"{column}:{VOCABULARY_KIND}", "kind": VOCABULARY_KIND,
            "rows": 0, "nulls": 0, "counts": self.texts.tolist(),
        }  # fmt: skip


def add_words(texts: NDArray[np.int64], values: pa.Array) -> None:
    """Count the words of a batch of texts in ``texts``, those of a `Vocabulary`, in place."""
    words, of_text, _ = _words(_as_strings(values))
    pairs = np.unique(of_text * WORD_BUCKETS + words)
    np.add.at(texts, pairs % WORD_BUCKETS, 1)
    np.minimum(texts, 2, out=texts)


def text_numbers(values: pa.Array, vocabulary: Vocabulary | None, day: str) -> dict[str, NDArray[np.float64]]:
    """Return ``characters``, ``words`` and ``unknown_words`` of each text: two lengths, and the share of unknown words.

    Parameters
    ----------
    values
        Strings, (n,), which may be dictionary encoded; null is a missing text.
    vocabulary
        Of the column; None if there is none yet.
    day
        Day of the texts, ``YYYY-MM-DD``.

    Returns
    -------
    dict
        float64, (n,), by measure. Words are runs of letters and digits, whatever their case. Null texts give NaN; the share is
        also NaN for a text without words, or without a vocabulary.
    """
    if isinstance(values, pa.DictionaryArray) and len(values.dictionary) <= len(values):
        codes = values.indices.to_numpy(zero_copy_only=False)
        missing = np.isnan(codes) if codes.dtype.kind == "f" else np.zeros(len(codes), dtype=bool)
        places = np.where(missing, 0, codes).astype(np.intp)
        measures = text_numbers(values.dictionary, vocabulary, day)
        return {
            name: np.full(len(codes), np.nan) if missing.all() else np.where(missing, np.nan, of_text[places])
            for name, of_text in measures.items()
        }
    texts = _as_strings(values)
    words, of_text, lengths = _words(texts)
    unknown = np.full(len(texts), np.nan)
    if vocabulary is not None:
        outside = np.bincount(of_text, vocabulary.unknown(words, day), minlength=len(texts))
        np.divide(outside, lengths, out=unknown, where=lengths > 0)
    characters = pc.utf8_length(texts).to_numpy(zero_copy_only=False).astype(np.float64)
    return {"characters": characters, "words": lengths, "unknown_words": unknown}


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
