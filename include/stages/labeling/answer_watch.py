"""Answers that are not collected yet, and how many of the open requests they complete."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import replace

from include.foundation.lines.people import People
from include.foundation.lines.values import pseudonym
from include.foundation.store.ledgers.annotations import Annotation, annotators_answers, newest_of_each
from include.foundation.store.person_keys import person_key
from include.foundation.store.scanning import Filter
from include.foundation.store.tables import LoopStore
from include.stages.labeling.answers_read import Mark, answers_read
from include.stages.labeling.backend_contract import Answers, Failure, LabelingBackend
from include.stages.labeling.tier_members import outsiders_answers

Author = tuple[str, str]  # request id and annotator


def unread_answers(
    store: LoopStore, backend: LabelingBackend, pseudonym_key: bytes, read: Mapping[str, Mark]
) -> tuple[Answers, People]:
    """Return the answers that a backend has beyond what was read, without what does not count, and who gave them.

    Parameters
    ----------
    store
        Tables of the loop.
    backend
        Where the answers are.
    pseudonym_key
        The store's key of pseudonyms.
    read
        How far each of its sources was read.
    """
    columns = ["request_id", "trace_id", "asked_at", "tier", "escalates"]
    ledger = store.read("requests", columns=columns)
    # Where an answer names the row, the newest request of the first tier on it is meant: the last of these.
    rows = ledger.sort_by([("tier", "descending"), ("asked_at", "ascending")]).to_pylist()
    requests = {row["request_id"]: row for row in rows}
    answers = backend.answers({name: row["trace_id"] for name, row in requests.items()}, read)
    people = People(person_key(store, pseudonym_key, "annotator"), [("annotator",)])
    outsiders = outsiders_answers(store, answers.rows, requests, people)
    without = {id(answer) for answer, _ in outsiders}
    refused = [*answers.refused, *((answer.source, line) for answer, line in outsiders)]
    return replace(answers, rows=[row for row in answers.rows if id(row) not in without], refused=refused), people


class AnswerWatch:
    """Who has answered what, during one wait: the first look reads what is not collected, each further one what is new.

    Parameters
    ----------
    store
        Tables of the loop.
    backend
        Where the answers are that are not collected yet.
    pseudonym_key
        The store's key of pseudonyms, by which a person is recognised among the collected answers.
    """

    def __init__(self, store: LoopStore, backend: LabelingBackend, pseudonym_key: bytes) -> None:
        self._failed: list[Failure] = []
        self._store = store
        self._backend = backend
        self._pseudonym_key = pseudonym_key
        self._read: dict[str, Mark] | None = None
        self._authors: dict[str, set[Author]] = defaultdict(set)  # by source
        self._whole: set[str] = set()

    def answered_in_full(self, tiers: Mapping[str, int]) -> set[str]:
        """Return which requests, given with their tiers, have answers of as many annotators as their tier asks for."""
        self._look()
        annotators: dict[str, set[str]] = {request_id: set() for request_id in tiers}
        filters: Filter = [("request_id", "in", list(annotators))]
        columns = self._store.schema("annotations").names
        rows = annotators_answers(self._store, columns, filters).to_pylist()
        stored = newest_of_each(Annotation(**row) for row in rows if row["source"] not in self._whole)
        for request_id, annotator in [
            *((each.request_id, each.annotator) for each in stored),
            *(author for authors in self._authors.values() for author in authors),
        ]:
            if request_id in annotators:
                annotators[request_id].add(annotator)
        loop = self._store.loop
        return {name for name, people in annotators.items() if len(people) >= loop.tier(tiers[name]).overlap}

    def failures(self, requests: Collection[str]) -> list[str]:
        """Return why answers to some of these requests will not come, as of the last look."""
        return [failure.message for failure in self._failed if not set(requests).isdisjoint(failure.request_ids)]

    def _look(self) -> None:
        """Take in what is new; a task that was read as a whole has the answers that it has now, and no others."""
        read = answers_read(self._store) if self._read is None else self._read
        answers, people = unread_answers(self._store, self._backend, self._pseudonym_key, read)
        self._failed = answers.failed
        self._read = read | {mark.source: mark for mark in answers.read}
        for task in answers.whole:
            self._whole.add(task.source)
            self._authors[task.source] = set()
        for answer in answers.rows:
            self._authors[answer.source].add((answer.request_id, pseudonym(answer.annotator, people.key)))
