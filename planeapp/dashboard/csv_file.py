"""Lists as CSV files that a spreadsheet opens as text: streamed, and never a formula."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.http import StreamingHttpResponse

MOST = 100_000
"""Rows of one file."""
BEGINS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a cell begins with that spreadsheets take for a formula (OWASP, "CSV Injection")."""
UTF8_MARK = "\ufeff"


class _Line:
    """A file that gives each line back."""

    def write(self, line: str) -> str:
        """The line."""
        return line


def safe(value: Any) -> str:
    """A cell that no spreadsheet calculates."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(BEGINS) else text


def csv_answer(name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> StreamingHttpResponse:
    """The file as a download."""
    answer = StreamingHttpResponse(_lines(header, rows), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Cache-Control"] = "no-store"
    return answer


def _lines(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    writer: Any = csv.writer(_Line())
    yield UTF8_MARK + writer.writerow(header)
    for row in rows:
        yield writer.writerow([safe(value) for value in row])
