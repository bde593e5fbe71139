"""The keys that turn people into pseudonyms: one for each role, all from a key that a store never changes."""

import hmac
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise
from typing import Literal

import pyarrow as pa

from include.foundation.errors import ConfigError
from include.foundation.store.rows import rows_of
from include.foundation.store.scanning import scan
from include.foundation.store.tables import LoopStore

Role = Literal["user", "annotator", "approver"]
TABLE = "pseudonym_keys"
SHORTEST_KEY = 16
FEWEST_SIGNS = 6
PLACEHOLDERS = (
    b"replace",
    b"change",
    b"example",
    b"password",
    b"secret",
)  # words of examples, and of who is in a hurry
MAKE_ONE = 'python -c "import secrets; print(secrets.token_urlsafe(32))"'
COLUMNS_OF_PEOPLE = (("predictions", "user_key"), ("feedback", "user_key"), ("annotations", "annotator"))


def person_key(store: LoopStore, key: bytes, role: Role) -> bytes:
    """Return the key of pseudonyms for people in one role, after the store has agreed to the key it is derived from.

    The fingerprint of the first key that is used is noted beside the tables; every other key is refused from then on. One
    person has another pseudonym in each role, so that a signal cannot be traced to who approved or annotated.

    Parameters
    ----------
    store
        Tables of the loop.
    key
        The password of the store's connection.
    role
        In which role people are known.

    Raises
    ------
    ConfigError
        If the store's people have pseudonyms of another key.

    Notes
    -----
    A store with pseudonyms from before fingerprints were noted goes on with one key for all roles: a pseudonym cannot be
    turned back into a person, so other keys would double everyone in it.
    """
    noted = _noted(store) or store.append_computed(TABLE, lambda present: _first(store, key, present)).to_pylist()
    entry = (noted or _noted(store))[0]  # another task may have noted its key first
    _demand_same(store, key, entry["fingerprint"])
    return hmac.digest(key, f"feedback-loop {role}".encode(), "sha256") if entry["roles_apart"] else key


def check_key(store: LoopStore, key: bytes) -> None:
    """Demand a key that is hard to guess and is the store's own, and note nothing.

    Raises
    ------
    ConfigError
        If it is not.
    """
    demand_strong(key)
    for entry in _noted(store):
        _demand_same(store, key, entry["fingerprint"])


def demand_strong(key: bytes) -> None:
    """Demand a key that is hard to guess: whoever guesses it can turn every pseudonym back into a person.

    Raises
    ------
    ConfigError
        If it is short, a placeholder, or made of few or regular signs.

    Examples
    --------
    >>> demand_strong(b"Zr8-wq1_Lx0PhT5y")
    """
    if weakness := weakness_of(key):
        raise ConfigError(
            f"The key of pseudonyms {weakness}; make one with {MAKE_ONE} and keep it: another key makes other pseudonyms"
        )


def weakness_of(key: bytes) -> str | None:
    """Return why a secret is easily guessed; None if it is not.

    Examples
    --------
    >>> weakness_of(b"hunter2")
    'has 7 bytes, expected at least 16'
    """
    steps = Counter(abs(after - before) <= 1 for before, after in pairwise(key))
    if len(key) < SHORTEST_KEY:
        return f"has {len(key)} bytes, expected at least {SHORTEST_KEY}"
    if any(word in key.lower() for word in PLACEHOLDERS):
        return "is a placeholder"
    if len(set(key)) < FEWEST_SIGNS:
        return f"has {len(set(key))} different signs, expected at least {FEWEST_SIGNS}"
    if any(key[unit:] == key[:-unit] for unit in range(1, len(key) * 2 // 3 + 1)):
        return "repeats itself"
    return "counts up or down" if steps[True] > steps[False] else None


def _noted(store: LoopStore) -> list[dict[str, object]]:
    return list(store.read(TABLE).to_pylist())


def _first(store: LoopStore, key: bytes, present: pa.Table) -> pa.Table:
    if present.num_rows:
        return rows_of(store.loop, TABLE, [])
    entry = {"fingerprint": _fingerprint(key), "roles_apart": not _has_people(store), "noted_at": datetime.now(UTC)}
    return rows_of(store.loop, TABLE, [entry])


def _has_people(store: LoopStore) -> bool:
    for table, column in COLUMNS_OF_PEOPLE:
        dataset = store.dataset(table)
        if dataset is not None and any(batch.num_rows for batch in scan(dataset, [column], [(column, "!=", "")])):
            return True
    return False


def _demand_same(store: LoopStore, key: bytes, fingerprint: object) -> None:
    if _fingerprint(key) != fingerprint:
        raise ConfigError(
            f"{store.uri}: the key of pseudonyms has the fingerprint {_fingerprint(key)}, but the people in the store have "
            f"pseudonyms of the key {fingerprint}: under another key each of them would count as a second person. Give the "
            "store's connection its first password again; if that is lost, begin a new store"
        )


def _fingerprint(key: bytes) -> str:
    return hmac.digest(key, b"feedback-loop fingerprint", "sha256").hex()[:16]
