"""One row a trace id: which staged rows stay, by a rule that no order of arrival changes.

Of lines with one trace id within the reach (``logs.repeat_days``), the earliest stays, then the one whose
content has the smallest digest. A line that has another one before it within the reach is a repeat: it goes to quarantine
as ``repeated_trace_id``. Lines of equal content are duplicates: one stays.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from math import ceil

import pyarrow as pa

from include.foundation.store.tables import LoopStore
from include.stages.logs.landing.earlier_rows import EarlierRows
from include.stages.logs.landing.staging import Staging
from include.stages.logs.rules.sql import literal, quoted
from include.stages.logs.slices.read_ledger import were_read_before

LATER_THAN_ANY = "~"  # sorts behind every digest: a refused line comes after the row that it lost to


@dataclass(frozen=True)
class Settled:
    """Rows of the staging tables ``left_out`` (part, number, why) and ``taken_out`` (trace_id, day, why: of the store)."""

    left_out: int
    taken_out: int


def settle(staging: Staging, store: LoopStore, earlier: EarlierRows, version: int | None) -> Settled:
    """Find the staged rows that do not stay, and the rows of the store's ``version`` that must give way."""
    database = staging.connection
    database.execute(
        "CREATE OR REPLACE TEMP TABLE left_out (part INTEGER, number BIGINT, why VARCHAR);"
        "CREATE OR REPLACE TEMP TABLE taken_out (trace_id VARCHAR, day VARCHAR, why VARCHAR)"
    )
    _register_parts(staging)
    if not earlier.look_up(version):
        return Settled(0, 0)
    database.execute(_CANDIDATES)
    if not _one(staging, "SELECT count(*) FROM candidates"):
        return Settled(0, 0)
    database.execute(_contenders(staging))
    _register_read_anew(staging, store)
    database.execute(_SUPERSEDED)
    reach = timedelta(days=staging.loop.logs.repeat_days)
    database.execute(_RULE.format(reach=ceil(reach.total_seconds() * 1e6)))
    return Settled(_one(staging, "SELECT count(*) FROM left_out"), _one(staging, "SELECT count(*) FROM taken_out"))


def _register_parts(staging: Staging) -> None:
    names = [(number, part.slice.file.name) for number, part in enumerate(staging.parts)]
    parts = pa.table({"part": [n for n, _ in names], "source": [name for _, name in names]})
    staging.connection.register("parts", parts)


def _register_read_anew(staging: Staging, store: LoopStore) -> None:
    """Make ``read_anew`` of the parts whose lines had been read before: the others are new lines of their file."""
    anew = were_read_before(store, "logs", [part.slice for part in staging.parts])
    numbers = [number for number, found in enumerate(anew) if found]
    staging.connection.register("read_anew", pa.table({"part": pa.array(numbers, pa.int64())}))


def _one(staging: Staging, query: str) -> int:
    found = staging.connection.execute(query).fetchone()
    return int(found[0]) if found else 0


_CANDIDATES = """
CREATE OR REPLACE TEMP TABLE candidates AS
SELECT h FROM fresh
WHERE times > 1 OR h IN (SELECT hash(trace_id) FROM stored) OR h IN (SELECT hash(trace_id) FROM refused_before)
"""


def _contenders(staging: Staging) -> str:
    """Return SQL that makes ``contenders``: every line, here or in the store, whose trace id is there more than once."""
    content = _content({name: quoted(name) for name in _names(staging)})
    return f"""
CREATE OR REPLACE TEMP TABLE contenders AS
SELECT 1 AS origin, part, number, trace_id, ts, NULL AS day, source, md5({content}) AS digest
FROM staged LEFT JOIN people USING (user_id) JOIN parts USING (part) WHERE hash(trace_id) IN (FROM candidates)
UNION ALL
SELECT 0, NULL, NULL, trace_id, ts, day, source, md5({stored_content(staging)})
FROM stored WHERE hash(trace_id) IN (FROM candidates)
UNION ALL
SELECT 2, NULL, NULL, trace_id, ts, NULL, NULL, {literal(LATER_THAN_ANY)}
FROM refused_before WHERE hash(trace_id) IN (FROM candidates)
"""


def stored_content(staging: Staging) -> str:
    """Return SQL of the text that rows of ``stored`` are compared by: equal for equal lines, whatever columns came later."""
    return _content({name: f"stored.{quoted(name)}" for name in _names(staging)})


def _names(staging: Staging) -> list[str]:
    return [field.name for field in staging.columns] + ["user_key"]


def _content(fields: Mapping[str, str]) -> str:
    pairs = ", ".join(f"{quoted(name)}: {value}" for name, value in fields.items())
    return f"CAST(to_json({{{pairs}}}) AS VARCHAR)"


# A stored row whose line was read anew and now says something else gives way to it, without having been wrong. A line that
# was appended to the file is not that line: the two are repeats.
_SUPERSEDED = """
INSERT INTO taken_out
SELECT trace_id, day, 'read anew' FROM contenders AS old
WHERE origin = 0
  AND EXISTS (FROM contenders AS anew WHERE anew.origin = 1 AND anew.trace_id = old.trace_id AND anew.ts = old.ts
              AND anew.source = old.source AND anew.part IN (FROM read_anew))
  AND NOT EXISTS (FROM contenders AS anew WHERE anew.origin = 1 AND anew.trace_id = old.trace_id AND anew.ts = old.ts
                  AND anew.source = old.source AND anew.digest = old.digest);
DELETE FROM contenders WHERE origin = 0 AND trace_id IN (SELECT trace_id FROM taken_out)
"""

# lag() finds the nearest line before; "again" is a stored row's own line, met once more after a kill.
_RULE = """
CREATE OR REPLACE TEMP TABLE ranked AS
SELECT *,
    row_number() OVER copies AS copy,
    first_value(origin) OVER copies AS first_origin,
    first_value(source) OVER copies AS first_source,
    row_number() OVER (PARTITION BY trace_id, ts, digest, origin, source ORDER BY part, number) AS copy_here
FROM contenders
WINDOW copies AS (PARTITION BY trace_id, ts, digest ORDER BY origin, source, part, number);

CREATE OR REPLACE TEMP TABLE firsts AS
SELECT *, epoch_us(ts) - lag(epoch_us(ts)) OVER (PARTITION BY trace_id ORDER BY ts, digest) AS since
FROM ranked WHERE copy = 1;

INSERT INTO left_out
SELECT part, number,
    CASE WHEN first_origin = 0 AND source = first_source AND copy_here = 1 THEN 'again' ELSE 'duplicate' END
FROM ranked WHERE origin = 1 AND copy > 1
UNION ALL
SELECT part, number, 'repeated' FROM firsts WHERE origin = 1 AND since <= {reach};

INSERT INTO taken_out SELECT trace_id, day, 'repeated' FROM firsts WHERE origin = 0 AND since <= {reach}
"""
