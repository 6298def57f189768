"""School-year semesters: "1132" is the second term of the school year 113 (ROC calendar). No Django here: jobs use it too.

A school year begins on the first of August, its second term on the first of February; the year 1 is 1912.
"""

from __future__ import annotations

import datetime as dt
import re

PATTERN = r"[0-9]{3}[12]"
FIRST_YEAR = 1911
_WRITTEN = re.compile(PATTERN)


def is_semester(text: str) -> bool:
    return bool(_WRITTEN.fullmatch(text))


def of(day: dt.date) -> str:
    """The semester that a day belongs to."""
    year = day.year - FIRST_YEAR - (day.month < 8)
    return f"{year:03}{2 if 2 <= day.month < 8 else 1}"


def before(semester: str) -> str:
    """The one that came before: 1131 before 1132, 1122 before 1131."""
    year, term = int(semester[:3]), semester[3]
    return f"{year:03}1" if term == "2" else f"{year - 1:03}2"
