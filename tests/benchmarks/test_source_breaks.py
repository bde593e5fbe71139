import ast

import pytest

from benchmarks.workloads.source_breaks import breaks


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x = a < b", ["a <= b"]),
        ("x = a in b", ["a not in b"]),
        ("x = a and b", ["a or b"]),
        ("x = not a", ["a"]),
        ("x = a * 2", ["a / 2", "3"]),
        ("x = True", ["False"]),
        ("x = -a", ["a"]),
        ("x = a < b < c", []),
        ("x = 'a' + b", []),
        ("x: Literal[1] = y", []),
        ("x = Field(1, ge=0)", []),
        ("x = zip(a, b, strict=True)", []),
        ("def f() -> Annotated[int, 3]:\n    '''Text 1.'''", []),
    ],
)
def test_what_is_broken_and_what_is_left(source, expected):
    assert [one.after for one in breaks(source)] == expected


def test_every_break_is_a_program_that_differs_in_that_place_only():
    source = "def f(é, n):\n    return [n + 1 for _ in range(3)] if n >= 2 else é\n"
    for one in breaks(source):
        assert ast.parse(one.source)
        assert one.source == source.replace(one.before, f"({one.after})", 1) or one.before.isdigit()
        assert ast.dump(ast.parse(one.source)) != ast.dump(ast.parse(source))
