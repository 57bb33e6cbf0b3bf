"""One cell at a time: amounts and dates in the one form that the feed declares, everything else refused.

ASCII digits only. What another country's form would read differently is never guessed at: ``1,234`` is a thousand in
one feed and not a number in another.
"""

import re
from collections.abc import Callable
from datetime import date
from functools import cache

from connectors.files.forms import Dates

_MONTHS = {
    name: n
    for n, name in enumerate(["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"], 1)
}
_DATES: dict[Dates, str] = {
    "MM/DD/YYYY": r"(?P<m>[0-9]{1,2})/(?P<d>[0-9]{1,2})/(?P<y>[0-9]{4})",
    "DD/MM/YYYY": r"(?P<d>[0-9]{1,2})/(?P<m>[0-9]{1,2})/(?P<y>[0-9]{4})",
    "DD.MM.YYYY": r"(?P<d>[0-9]{1,2})\.(?P<m>[0-9]{1,2})\.(?P<y>[0-9]{4})",
    "YYYY-MM-DD": r"(?P<y>[0-9]{4})-(?P<m>[0-9]{2})-(?P<d>[0-9]{2})",
    "D-Mon-YYYY": r"(?P<d>[0-9]{1,2})-(?P<m>[A-Z][a-z]{2})-(?P<y>[0-9]{4})",
}
#: digits before the decimal sign that DECIMAL(18, 2) holds
_MOST_DIGITS = 16


class CellError(ValueError):
    """A cell is not what its column declares; the text says what it should be and never what it is."""


@cache
def amount_reader(decimal: str, thousands: str, places: int = 2) -> Callable[[str], str | None]:
    """Return what reads amounts of that form to plain text: ``(1.234,50)`` to ``-1234.50``. None: empty.

    `places` is the most decimals.
    """
    whole = "[0-9]+"
    if thousands:
        whole = rf"(?:[0-9]{{1,3}}(?:{re.escape(thousands)}[0-9]{{3}})+|[0-9]+)"
    form = re.compile(rf"(?P<w>{whole})(?:{re.escape(decimal)}(?P<f>[0-9]+))?", re.ASCII)

    def read(cell: str) -> str | None:
        said = cell.strip()
        if not said:
            return None
        negative = said.startswith("-")
        if said.startswith("(") and said.endswith(")"):
            negative, said = True, said[1:-1]
        elif negative:
            said = said[1:]
        match = form.fullmatch(said)
        if match is None:
            raise CellError("is not an amount in the feed's form")
        digits = match["w"].replace(thousands, "") if thousands else match["w"]
        digits, cents = digits.lstrip("0") or "0", (match["f"] or "").rstrip("0")
        if len(cents) > places or len(digits) > _MOST_DIGITS:
            raise CellError("has more digits than an amount can have")
        return f"{'-' if negative else ''}{digits}.{cents:0<2}"

    return read


@cache
def date_reader(form: Dates) -> Callable[[str], str | None]:
    """Return what reads dates of that form to ``2026-11-18``. None: empty."""
    wanted = re.compile(_DATES[form], re.ASCII)

    def read(cell: str) -> str | None:
        said = cell.strip()
        if not said:
            return None
        match = wanted.fullmatch(said)
        if match is None:
            raise CellError(f"is not a date in the form {form}")
        month = _MONTHS.get(match["m"], 0) if form == "D-Mon-YYYY" else int(match["m"])
        try:
            return date(int(match["y"]), month, int(match["d"])).isoformat()
        except ValueError:
            raise CellError("is a day that does not exist") from None

    return read
