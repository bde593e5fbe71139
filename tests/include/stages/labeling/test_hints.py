"""A hint is one small file that every process with the store can read."""

from include.foundation.store.loop_files import names_in
from include.stages.labeling.hints import last_hint, leave_hint
from tests.builders import make_store


def test_each_hint_differs_from_the_one_before_and_takes_its_place(tmp_path):
    store = make_store(tmp_path)
    seen = [last_hint(store)]
    for _ in range(2):
        leave_hint(store)
        seen.append(last_hint(store))
    assert seen[0] is None
    assert len(set(seen)) == 3
    assert names_in(store, "labeling") == ["hint.txt"]
