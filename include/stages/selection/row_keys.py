"""Keys of many rows at a time: where each comes in the seeded random order, and which of them have the same inputs."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from include.foundation.config.loop_file import Loop
from include.foundation.digests import canonical_json, digest_of
from include.foundation.errors import StoreError
from include.foundation.store.hash_database import hash_cursor

Keys = NDArray[np.uint64]
HEX = 16  # digits of a digest that order rows: two of 50 million are alike with a probability of one in ten thousand
ESCAPED = r'["\\\x00-\x1f]'  # characters that JSON does not write as they are


class RowKeys:
    """Computes keys of rows of ``predictions``, without a step of Python for each.

    Parameters
    ----------
    loop
        Names the inputs.
    seed
        Of the random order.
    """

    def __init__(self, loop: Loop, seed: object) -> None:
        import duckdb

        self._connection = hash_cursor()
        self._seed, self._failure = seed, duckdb.Error
        texts = {name for name, item in loop.inputs.items() if item.type in {"text", "categorical"}}
        inputs = [
            f'nfc_normalize("{column}")' if name in texts else f'"{column}"'
            for name, column in loop.input_columns.items()
        ]
        self._columns = ["trace_id", *loop.input_columns.values()]
        self._query = (
            f"SELECT ('0x' || left(sha256(? || trace_id || '\"]'), {HEX}))::UBIGINT AS place, "  # noqa: S608 - identifiers
            f"hash({', '.join(inputs)}) AS content FROM batch"
        )

    def of(self, rows: pa.Table) -> tuple[Keys, Keys]:
        """Return two keys of each row.

        Parameters
        ----------
        rows
            Have ``trace_id`` and the inputs.

        Returns
        -------
        tuple of two ndarrays of uint64, (n,)
            The beginning of the `digest_of` seed and trace id, which orders rows at random; and a hash of the inputs, which
            rows with the same `content_key` share. The latter holds within this process only.

        Raises
        ------
        StoreError
            If the rows are damaged.
        """
        if not rows.num_rows:
            return np.empty(0, np.uint64), np.empty(0, np.uint64)
        self._connection.register("batch", rows.select(self._columns))
        try:
            answer = self._connection.execute(self._query, [canonical_json([self._seed, ""])[:-2]]).fetchnumpy()
        except self._failure as error:
            raise StoreError(f"Predictions cannot be read: {error}; run `python -m include check-store`") from error
        finally:
            self._connection.unregister("batch")
        places, contents = (np.array(answer[name], dtype=np.uint64) for name in ("place", "content"))
        ids = rows.column("trace_id").combine_chunks()
        for odd in _escaped(ids):
            places[odd] = int(digest_of(self._seed, ids[odd].as_py())[:HEX], 16)
        return places, contents


def _escaped(ids: pa.StringArray) -> list[int]:
    """Return where trace ids are that JSON does not write as they are."""
    text = np.frombuffer(memoryview(ids.buffers()[2] or b""), np.uint8)
    if not (text < ord(" ")).any() and not (text == ord('"')).any() and not (text == ord("\\")).any():
        return []
    places: list[int] = np.flatnonzero(pc.match_substring_regex(ids, ESCAPED).to_numpy(zero_copy_only=False)).tolist()
    return places
