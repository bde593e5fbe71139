"""Lines of several tasks never mix."""

import json
import multiprocessing

from feedback_loop.notifiers.file_notifier import FileNotifier


def tell(path, writer):
    for number in range(25):
        notification = {"message": f"{writer}-{number} " + "ö" * 20_000}
        FileNotifier(path=path)({"notification": notification})


def test_lines_of_processes_at_once_stay_whole(tmp_path):
    path = str(tmp_path / "new" / "told.jsonl")
    with multiprocessing.get_context("fork").Pool(3) as pool:
        pool.starmap(tell, [(path, writer) for writer in "abc"])
    lines = [json.loads(line) for line in (tmp_path / "new" / "told.jsonl").read_text().splitlines()]
    assert {line["message"].split()[0] for line in lines} == {f"{writer}-{n}" for writer in "abc" for n in range(25)}
    assert all(set(line) == {"at", "message"} for line in lines)


def test_path_is_a_template(tmp_path):
    FileNotifier(path=str(tmp_path / "{{ notification.loop }}.jsonl"))({"notification": {"loop": "wire"}})
    assert (tmp_path / "wire.jsonl").exists()
