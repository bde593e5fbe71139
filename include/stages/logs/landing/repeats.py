"""Deduplication: which staged rows land, by a rule that does not depend on the order in which lines arrive.

Of lines with one trace id within the reach (``logs.repeat_days``), the earliest stays; of several as early, the one whose
content has the smallest digest. A line with another one before it within the reach is a repeat: it goes to quarantine as
``repeated_trace_id``. Lines of equal content are duplicates, of which one stays.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from math import ceil

import pyarrow as pa

from include.stages.logs.landing.earlier_rows import EarlierRows
from include.stages.logs.landing.staging import Staging
from include.stages.logs.rules.sql_text import literal, quoted
from include.stages.logs.slices.read_ledger import were_read_before

LAST_DIGEST = "~"  # sorts after every digest: a refused line comes after the row that it lost to


@dataclass(frozen=True)
class Repeats:
    """How many rows do not stay, in two tables of the staging database.

    Attributes
    ----------
    left_out
        Staged rows that do not land: ``left_out (part, number, why)``.
    displaced
        Rows of the store that give way to staged ones: ``displaced (file, row, trace_id, why)``.
    read_anew
        How many of these give way to what their line says now: the others with their trace id are yet to be compared.
    """

    left_out: int
    displaced: int
    read_anew: int


def find_repeats(staging: Staging, earlier: EarlierRows, version: int | None) -> Repeats:
    """Find the staged rows that do not land, and the rows of the store that must give way to others.

    Parameters
    ----------
    staging
        The staged rows.
    earlier
        What the store has of their trace ids; it is brought to ``version``.
    version
        Version of the table ``predictions``; None if there is none yet.
    """
    database = staging.connection
    database.execute(
        "CREATE OR REPLACE TEMP TABLE left_out (part INTEGER, number BIGINT, why VARCHAR);"
        "CREATE OR REPLACE TEMP TABLE displaced (file INTEGER, row BIGINT, trace_id VARCHAR, why VARCHAR)"
    )
    _register_sources(staging)
    if not earlier.look_up(version):
        return Repeats(0, 0, 0)
    database.execute(_REPEATED_IDS)
    if not _count(staging, "repeated_ids"):
        return Repeats(0, 0, 0)
    database.execute(_candidates(staging))
    _register_parts_read_anew(staging)
    database.execute(_READ_ANEW)
    read_anew = _count(staging, "displaced")
    reach = timedelta(days=staging.pull.loop.logs.repeat_days)
    database.execute(_RULE.format(reach=ceil(reach.total_seconds() * 1e6)))
    return Repeats(_count(staging, "left_out"), _count(staging, "displaced"), read_anew)


def _register_sources(staging: Staging) -> None:
    """Make ``sources`` of the file that each part is of."""
    numbers, names = [part.number for part in staging.parts], [part.file_slice.file.name for part in staging.parts]
    staging.connection.register("sources", pa.table({"part": numbers, "source": names}))


def _register_parts_read_anew(staging: Staging) -> None:
    """Make ``parts_read_anew`` of the parts whose lines had been read before: the others are new lines of their file."""
    read_anew = were_read_before(staging.pull, [part.file_slice for part in staging.parts])
    numbers = [part.number for part, is_anew in zip(staging.parts, read_anew, strict=True) if is_anew]
    staging.connection.register("parts_read_anew", pa.table({"part": pa.array(numbers, pa.int64())}))


def _count(staging: Staging, table: str) -> int:
    counted = staging.connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(counted[0]) if counted else 0


_REPEATED_IDS = """
CREATE OR REPLACE TEMP TABLE repeated_ids AS
SELECT id FROM staged_ids
WHERE lines > 1 OR id IN (SELECT hash(trace_id) FROM stored) OR id IN (SELECT hash(trace_id) FROM refused_before)
"""


def _candidates(staging: Staging) -> str:
    """Return SQL that makes ``candidates``: every line with a repeated trace id, stored (0), staged (1) or refused (2)."""
    content = _content({name: quoted(name) for name in _names(staging)})
    return f"""
CREATE OR REPLACE TEMP TABLE candidates AS
SELECT 1 AS origin, part, number, NULL AS file, NULL AS row, trace_id, ts, source, md5({content}) AS digest
FROM staged LEFT JOIN people USING (user_id) JOIN sources USING (part) WHERE hash(trace_id) IN (FROM repeated_ids)
UNION ALL
SELECT 0, NULL, NULL, file, row, trace_id, ts, source, md5({stored_content(staging)})
FROM stored WHERE hash(trace_id) IN (FROM repeated_ids)
UNION ALL
SELECT 2, NULL, NULL, NULL, NULL, trace_id, ts, NULL, {literal(LAST_DIGEST)}
FROM refused_before WHERE hash(trace_id) IN (FROM repeated_ids)
"""


def stored_content(staging: Staging) -> str:
    """Return SQL of the text by which rows of ``stored`` are compared: equal for equal lines, also where columns came later."""
    return _content({name: f"stored.{quoted(name)}" for name in _names(staging)})


def _names(staging: Staging) -> list[str]:
    return [field.name for field in staging.columns] + ["user_key"]


def _content(fields: Mapping[str, str]) -> str:
    pairs = ", ".join(f"{quoted(name)}: {value}" for name, value in fields.items())
    return f"CAST(to_json({{{pairs}}}) AS VARCHAR)"


# A stored row whose line was read anew and now says something else gives way to it, without having been wrong. A line that
# was appended to the file is another line: the two are repeats.
_READ_ANEW = """
INSERT INTO displaced
SELECT file, row, trace_id, 'read anew' FROM candidates AS old
WHERE origin = 0
  AND EXISTS (FROM candidates AS anew WHERE anew.origin = 1 AND anew.trace_id = old.trace_id AND anew.ts = old.ts
              AND anew.source = old.source AND anew.part IN (FROM parts_read_anew))
  AND NOT EXISTS (FROM candidates AS anew WHERE anew.origin = 1 AND anew.trace_id = old.trace_id AND anew.ts = old.ts
                  AND anew.source = old.source AND anew.digest = old.digest);
DELETE FROM candidates WHERE origin = 0 AND trace_id IN (SELECT trace_id FROM displaced)
"""

# lag() finds the nearest line before. A line is "stored already" where a pull that was killed has landed it.
_RULE = """
CREATE OR REPLACE TEMP TABLE ranked AS
SELECT *,
    row_number() OVER copies AS copy,
    first_value(origin) OVER copies AS first_origin,
    first_value(source) OVER copies AS first_source,
    row_number() OVER (PARTITION BY trace_id, ts, digest, origin, source ORDER BY part, number) AS copy_here
FROM candidates
WINDOW copies AS (PARTITION BY trace_id, ts, digest ORDER BY origin, source, part, number);

CREATE OR REPLACE TEMP TABLE distinct_lines AS
SELECT *, epoch_us(ts) - lag(epoch_us(ts)) OVER (PARTITION BY trace_id ORDER BY ts, digest) AS since
FROM ranked WHERE copy = 1;

INSERT INTO left_out
SELECT part, number,
    CASE WHEN first_origin = 0 AND source = first_source AND copy_here = 1 THEN 'stored already' ELSE 'duplicate' END
FROM ranked WHERE origin = 1 AND copy > 1
UNION ALL
SELECT part, number, 'repeated' FROM distinct_lines WHERE origin = 1 AND since <= {reach};

INSERT INTO displaced SELECT file, row, trace_id, 'repeated' FROM distinct_lines WHERE origin = 0 AND since <= {reach}
"""
