"""Let DuckDB read logs and write the columns of our table as Parquet, unchecked: ``LOGS FORMAT TARGET``.

This is the least that any ingestion costs: the same values parsed and the same columns written, without a check.
"""

import sys

import duckdb

CLASSES = ["earn", "acq", "crude", "trade", "money-fx", "interest", "ship", "grain"]
INPUTS = {
    "text": "VARCHAR",
    **{f"n{place}": "DOUBLE" for place in range(5)},
    "channel": "VARCHAR",
    "country": "VARCHAR",
}


def main() -> None:
    """Copy."""
    logs, log_format, target = sys.argv[1:]
    read = f"read_parquet('{logs}')" if log_format == "parquet" else f"read_json('{logs}', {json_columns()})"
    query = f"SELECT {', '.join(columns())} FROM {read}"  # noqa: S608 - paths of the benchmark itself
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(
        f"COPY ({query}) TO '{target}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 131072)"
    )


def json_columns() -> str:
    """Return the arguments with which ``read_json`` reads the lines."""
    inputs = ", ".join(f"{name} {kind}" for name, kind in INPUTS.items())
    scores = ", ".join(f'"{name}" DOUBLE' for name in CLASSES)
    types = dict.fromkeys(("trace_id", "model_version", "prediction", "user_id"), "VARCHAR") | {"ts": "TIMESTAMPTZ"}
    types |= {"input": f"STRUCT({inputs})", "segments": "STRUCT(desk VARCHAR)", "probabilities": f"STRUCT({scores})"}
    column_types = ", ".join(f"{name}: '{kind}'" for name, kind in types.items())
    return f"format='newline_delimited', ignore_errors=true, columns={{{column_types}}}"


def columns() -> list[str]:
    """Return the columns written: flat, with the probabilities as a list."""
    scores = [f'probabilities."{name}"' for name in CLASSES]
    return [
        "trace_id", "ts", "model_version", "prediction AS predicted", f"greatest({', '.join(scores)}) AS confidence",
        f"[{', '.join(scores)}] AS probabilities", "user_id AS user_key",
        *(f"input.{name} AS input_{name}" for name in INPUTS), "segments.desk AS segment_desk",
    ]  # fmt: skip


if __name__ == "__main__":
    main()
