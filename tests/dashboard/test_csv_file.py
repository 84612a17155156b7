from __future__ import annotations

import csv
import io

import pytest

from planeapp.dashboard.csv_file import csv_answer, safe


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ('=HYPERLINK("http://evil")', '\'=HYPERLINK("http://evil")'),
        ("+1+1", "'+1+1"), ("-2", "'-2"), ("@SUM(A1)", "'@SUM(A1)"), ("\t=1", "'\t=1"), ("\r=1", "'\r=1"), ("\n=1", "'\n=1"),
        ("CUST-7", "CUST-7"), ("a=b", "a=b"), ("", ""), (None, ""), (7, "7"),
    ],
)  # fmt: skip
def test_no_cell_is_a_formula(cell: object, expected: str) -> None:
    assert safe(cell) == expected


def test_a_file_is_read_back_as_it_was_told() -> None:
    answer = csv_answer("x.csv", ("When", "What"), iter([("now", 'said "yes",\nthen went; Åse'), ("later", "=1")]))
    text = answer.getvalue().decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert rows == [["When", "What"], ["now", 'said "yes",\nthen went; Åse'], ["later", "'=1"]]
    assert answer.headers["content-disposition"] == 'attachment; filename="x.csv"'
