"""The words of a loop's first day, and how much of a text they do not cover."""

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

BUCKETS = 1 << 18
KIND = "vocabulary"


@dataclass(frozen=True)
class Vocabulary:
    """In how many texts of the first day a word of each bucket occurs.

    Attributes
    ----------
    day
        The day, ``YYYY-MM-DD``.
    texts
        int64, (`BUCKETS`,): 0, 1 or 2, which stands for more. Words are known by a hash only, so the size is bounded; about
        one unknown word in ten is taken for a known one where the vocabulary has thirty thousand.
    """

    day: str
    texts: NDArray[np.int64]

    def unknown(self, buckets: NDArray[np.intp], day: str) -> NDArray[np.bool_]:
        """Return which words are not in the vocabulary, as far as *other* texts tell: so the first day is like any other."""
        return self.texts[buckets] < (2 if day == self.day else 1)

    def to_row(self, column: str) -> dict[str, Any]:
        """Return the vocabulary as a row of the table ``profiles``."""
        return {
            "day": self.day, "segment": "", "column": f"{column}:{KIND}", "kind": KIND, "rows": 0, "nulls": 0,
            "counts": self.texts.tolist(),
        }  # fmt: skip


def seen_in(texts: NDArray[np.int64], values: pa.Array) -> None:
    """Add the words of a batch of texts to ``texts``, in place."""
    words, of_text, _ = _words(_plain(values))
    pairs = np.unique(of_text * BUCKETS + words)
    np.add.at(texts, pairs % BUCKETS, 1)
    np.minimum(texts, 2, out=texts)


def text_numbers(values: pa.Array, vocabulary: Vocabulary | None, day: str) -> dict[str, NDArray[np.float64]]:
    """Return length in characters, number of words, and share of words outside the vocabulary, 0 to 1.

    Words are runs of letters and digits, whatever their case. Null texts give NaN; so does the share of a text without words,
    or without a vocabulary.
    """
    if isinstance(values, pa.DictionaryArray) and len(values.dictionary) <= len(values):
        codes = values.indices.to_numpy(zero_copy_only=False)
        missing = np.isnan(codes) if codes.dtype.kind == "f" else np.zeros(len(codes), dtype=bool)
        places = np.where(missing, 0, codes).astype(np.intp)
        found = text_numbers(values.dictionary, vocabulary, day)
        return {
            name: np.full(len(codes), np.nan) if missing.all() else np.where(missing, np.nan, of_text[places])
            for name, of_text in found.items()
        }
    plain = _plain(values)
    words, of_text, lengths = _words(plain)
    unknown = np.full(len(plain), np.nan)
    if vocabulary is not None:
        outside = np.bincount(of_text, vocabulary.unknown(words, day), minlength=len(plain))
        np.divide(outside, lengths, out=unknown, where=lengths > 0)
    characters = pc.utf8_length(plain).to_numpy(zero_copy_only=False).astype(np.float64)
    return {"characters": characters, "words": lengths, "unknown_words": unknown}


def _words(texts: pa.Array) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Return the bucket of every word, the text it is in, and the number of words of each text, NaN for null."""
    cleaned = pc.utf8_trim_whitespace(pc.replace_substring_regex(pc.utf8_lower(texts), r"[^\pL\pN]+", " "))
    split = pc.split_pattern(cleaned, " ")
    lengths = pc.list_value_length(split).to_numpy(zero_copy_only=False).astype(np.float64)
    of_text = np.repeat(np.arange(len(texts)), np.nan_to_num(lengths).astype(np.intp))
    words = split.flatten().dictionary_encode()
    buckets = np.array([zlib.crc32(word.encode()) % BUCKETS for word in words.dictionary.to_pylist()], dtype=np.intp)
    # A text without words is split into one empty word.
    some = pc.not_equal(cleaned, "").to_numpy(zero_copy_only=False)
    empty = np.array([word is False for word in some], dtype=bool) if some.dtype == object else ~some
    keep = ~empty[of_text]
    lengths[empty] = 0
    return buckets[words.indices.to_numpy()][keep], of_text[keep], lengths


def _plain(values: pa.Array) -> pa.Array:
    return values.dictionary_decode() if isinstance(values, pa.DictionaryArray) else values.cast(pa.string())
