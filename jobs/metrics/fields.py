"""Metrics as programs ask for them: a JSON object of plain fields, each checked by itself; an error names its field.

They come to the same wish as words do, so that both are looked up and checked in one way.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from jobs.metrics.checking import MetricRefusedError, check_name
from jobs.metrics.wishes import Wish
from jobs.slots import known_zone
from storage.facts.metrics import Basis, Calculation, Dataset, Definition, Direction, Frequency, Selection, Target

_E = TypeVar("_E", bound=StrEnum)
_AMOUNT = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,6})?", re.ASCII)
_BAND = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,2})?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_LONGEST = 200
_NARROWED = ("class", "department", "customer")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the fields ask for, before its names were looked up."""

    wish: Wish
    #: the connected QuickBooks company; empty where there is one alone
    company: str = ""
    #: Slack's id of the member who looks after it; empty: whoever asks
    owner: str = ""
    #: Slack's id of the channel where it is posted; empty: nowhere
    post_to: str = ""


def read_fields(body: Mapping[str, Any]) -> Asked:
    """Return what the fields ask for (MetricRefusedError, of which `field` is the first that is wrong)."""
    for name in body:
        if name not in _KNOWN:
            raise MetricRefusedError(f"{name[:40]}: there is no such field; those there are: {', '.join(_KNOWN)}", name)
    name = _said(body, "name", check_name)
    first = _side(body, "")
    divided = body.get("divided_by")
    if divided is not None and not isinstance(divided, dict):
        raise MetricRefusedError("divided_by: an object with dataset and item", "divided_by")
    for inner in divided or ():
        if inner not in {"dataset", "item"}:
            raise MetricRefusedError(f"divided_by.{inner[:40]}: there is no such field", f"divided_by.{inner}")
    items: tuple[tuple[Dataset, str], ...] = (first,) if divided is None else (first, _side(divided, "divided_by."))
    usual = Calculation.SUM if divided is None else Calculation.RATIO
    calculation = _of(Calculation, body, "calculation", usual)
    if (calculation is Calculation.RATIO) != (divided is not None):
        raise MetricRefusedError("divided_by: a ratio has it, and nothing else does", "divided_by")
    rest = Definition(
        Selection(items[0][0]),
        calculation,
        Selection(items[1][0]) if divided is not None else None,
        basis=_of(Basis, body, "basis", Basis.ACCRUAL),
        reversed=_yes(body, "reversed"),
        frequency=_of(Frequency, body, "frequency", Frequency.MONTHLY),
        fiscal_month=_whole(body, "fiscal_month", 1, (1, 12)),
        currency=_plain(body, "currency", _CURRENCY, "three capital letters"),
        decimals=_whole(body, "decimals", 2, (0, 6)),
        window=_whole(body, "window", 3, (2, 60)),
        target=_target(body),
    )
    if "window" in body and calculation is not Calculation.ROLLING:
        raise MetricRefusedError("window: only the calculation rolling has it", "window")
    narrowed = tuple((f"{one}_id", text) for one in _NARROWED if (text := _text(body, one)))
    wish = Wish(name, items, rest, narrowed, _yes(body, "below", usual=True), _zone(body))
    return Asked(wish, _text(body, "company"), _text(body, "owner"), _text(body, "post_to"))


_KNOWN = (
    "name", "dataset", "item", "divided_by", "calculation", "window", "basis", "frequency", "fiscal_month", "reversed",
    *_NARROWED, "below", "currency", "decimals", "zone", "target", "company", "owner", "post_to",
)  # fmt: skip


def _said(body: Mapping[str, Any], field: str, check: Callable[[str], str]) -> str:
    try:
        return check(_text(body, field, needed=True))
    except MetricRefusedError as error:
        raise error if error.field else MetricRefusedError(f"{field}: {error}", field) from None


def _side(body: Mapping[str, Any], prefix: str) -> tuple[Dataset, str]:
    field = f"{prefix}dataset"
    if "dataset" not in body:
        raise MetricRefusedError(f"{field}: is missing; one of {', '.join(Dataset)}", field)
    dataset = _of(Dataset, body, "dataset", Dataset.PROFIT_AND_LOSS, field)
    return dataset, " ".join(_text(body, "item", field=f"{prefix}item").split())


def _text(body: Mapping[str, Any], name: str, *, needed: bool = False, field: str = "") -> str:
    said, field = body.get(name), field or name
    if said is None and not needed:
        return ""
    if not isinstance(said, str) or not said.strip() or len(said) > _LONGEST or not said.isprintable():
        raise MetricRefusedError(f"{field}: a text of 1 to {_LONGEST} plain characters", field)
    return said.strip()


def _of(of: type[_E], body: Mapping[str, Any], name: str, usual: _E, field: str = "") -> _E:
    said = body.get(name)
    if said is None:
        return usual
    if not isinstance(said, str) or said not in set(of):
        raise MetricRefusedError(f"{field or name}: one of {', '.join(of)}", field or name)
    return of(said)


def _zone(body: Mapping[str, Any]) -> str:
    said = _text(body, "zone")
    if said and not known_zone(said):
        raise MetricRefusedError("zone: the IANA name of a time zone, such as America/New_York", "zone")
    return said


def _yes(body: Mapping[str, Any], name: str, *, usual: bool = False) -> bool:
    said = body.get(name, usual)
    if not isinstance(said, bool):
        raise MetricRefusedError(f"{name}: true or false", name)
    return said


def _whole(body: Mapping[str, Any], name: str, usual: int, bounds: tuple[int, int]) -> int:
    said = body.get(name, usual)
    least, most = bounds
    if type(said) is not int or not least <= said <= most:
        raise MetricRefusedError(f"{name}: a whole number from {least} to {most}", name)
    return said


def _plain(body: Mapping[str, Any], name: str, form: re.Pattern[str], words: str) -> str:
    said = body.get(name)
    if said is None:
        return ""
    if not isinstance(said, str) or not form.fullmatch(said):
        raise MetricRefusedError(f"{name}: {words}", name)
    return said


def _target(body: Mapping[str, Any]) -> Target | None:
    said = body.get("target")
    if said is None:
        return None
    if not isinstance(said, dict) or not set(said) <= {"value", "direction", "band"}:
        raise MetricRefusedError("target: an object with value, direction and band", "target")
    inner = {f"target.{name}": value for name, value in said.items()}
    # A number in JSON is no exact decimal: 0.1 is not 0.1 there.
    value = _plain(inner, "target.value", _AMOUNT, 'an exact decimal as text, such as "40000" or "0.075"')
    if not value:
        raise MetricRefusedError("target.value: is missing", "target.value")
    band = _plain(inner, "target.band", _BAND, 'percent as text, from "0" to "999"')
    made = Target(Decimal(value), _of(Direction, inner, "target.direction", Direction.AT_LEAST))
    return replace(made, band=Decimal(band or 0))
