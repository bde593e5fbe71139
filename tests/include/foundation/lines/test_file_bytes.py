"""What the bytes of a file say before anything is read as text."""

import pytest

from include.foundation.lines import file_bytes
from include.foundation.lines.file_bytes import has_lone_return


@pytest.mark.parametrize("block", [1, 2, 3, 1 << 18])
@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", False),
        (b"a\nb\n", False),
        (b"a\r\nb\r\n", False),
        (b"a\rb\r\n", True),
        (b"ab\r", True),
        (b"a\r\r\n", True),
    ],
)
def test_carriage_return_that_ends_no_line_is_found_wherever_blocks_end(tmp_path, monkeypatch, raw, expected, block):
    monkeypatch.setattr(file_bytes, "BLOCK", block)
    (tmp_path / "a.csv").write_bytes(raw)
    assert has_lone_return(tmp_path / "a.csv") == expected
