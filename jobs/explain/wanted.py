"""Read how somebody names a change: a document number, an amount, or when it was made."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from connectors.files.cells import CellError, amount_reader
from jobs.slots import known_zone
from storage.facts.landed import Sought, SoughtKind

#: Longer numbers are no document's.
_LONGEST = 60
_AT = re.compile(r"\b(?P<h>[01]?[0-9]|2[0-3]):(?P<m>[0-5][0-9])\b", re.ASCII)
_SIGN = re.compile(r"[$€£¥]|\b(?:usd|eur|gbp|cad|aud|jpy|dollars?|euros?)\b", re.IGNORECASE)
_AMOUNT = re.compile(r"\(?-?[0-9][0-9,]*\.[0-9]{2,3}\)?", re.ASCII)
_SAID = re.compile(r"\b(?:amount|total|sum|over)\b", re.IGNORECASE)
_NUMBER = re.compile(r"#?[A-Za-z0-9][A-Za-z0-9_./\-]*", re.ASCII)
#: Two decimals are usual, three exist (Kuwait); point and comma as in every message of ours.
_read_amount = amount_reader(".", ",", 3)


def read_wanted(words: str, zone: str, now: datetime) -> Sought | None:
    """Return what is looked for; None for words that name nothing.

    A time of day is today's in the reader's zone, or yesterday's where that is still ahead.
    """
    told = words.strip()[:200]
    at = _AT.search(told)
    if at is not None:
        return Sought(SoughtKind.INSTANT, _instant(int(at["h"]), int(at["m"]), zone, now).isoformat())
    money = _SIGN.search(told) is not None or _SAID.search(told) is not None
    plain = _SAID.sub(" ", _SIGN.sub(" ", told))
    tokens = [one for one in plain.split() if any(sign.isdigit() for sign in one)]
    amounts = [one for one in tokens if money or _AMOUNT.fullmatch(one)]
    if amounts:
        return _amount(amounts[-1])
    numbers = [one for one in _NUMBER.findall(plain) if any(sign.isdigit() for sign in one)]
    return Sought(SoughtKind.NUMBER, numbers[-1]) if numbers and len(numbers[-1]) <= _LONGEST else None


def _amount(said: str) -> Sought | None:
    try:
        read = _read_amount(said)
    except CellError:
        return None
    return Sought(SoughtKind.AMOUNT, read) if read is not None else None


def _instant(hour: int, minute: int, zone: str, now: datetime) -> datetime:
    here = now.astimezone(ZoneInfo(zone if known_zone(zone) else "UTC"))
    at = here.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return at if at <= here else at - timedelta(days=1)
