"""What support is told about what did not happen, in its states."""

from datetime import UTC, datetime, timedelta
from typing import Any

from storage.facts.expectations import ExpectationKind
from templates.notices.canary import canary
from templates.notices.missed import MissedFacts, made_up, missed, more

_DUE = datetime(2026, 11, 21, 19, 37, tzinfo=UTC)
_SHOP = "temeritygoods.myshopify.com (Temerity Goods)"
_NAMES = (_SHOP, *(f"store-{number}.myshopify.com (Company {number})" for number in range(2, 6)))


def facts(kind: ExpectationKind, **changed: Any) -> MissedFacts:
    """Return a report of one thing that is missing still."""
    given = {"count": 1, "settled": 0, "first_due": _DUE, "last_due": _DUE, "settled_at": None}
    return MissedFacts(kind=kind, **{**given, **changed})


def missed_messages() -> dict[str, Any]:
    """Return every message by name."""
    slot, later = ExpectationKind.SLOT, _DUE + timedelta(minutes=50)
    many: dict[str, Any] = {"count": 37, "names": _NAMES, "more": 32, "last_due": later}
    over: dict[str, Any] = {"settled": 37, "settled_at": later + timedelta(minutes=14)}
    named: dict[str, Any] = {"names": (_SHOP,)}
    return {
        "missed_slot": missed(facts(slot, **named)),
        "missed_canary_of_slack": canary(by_mail=False, missed=0),
        "missed_canary_of_mail": canary(by_mail=True, missed=3),
        "missed_slots": missed(facts(slot, **many)),
        "missed_slots_more": more(facts(slot, **many), 9),
        "missed_delivery_more": more(
            facts(ExpectationKind.DELIVERY, count=4, messages=(("refresh_finished", 2), ("incident_card", 1))), 3
        ),
        "missed_slots_in_part": missed(facts(slot, **many, settled=30, settled_at=later)),
        "missed_slots_made_up": missed(facts(slot, **many, **over)),
        "missed_slot_over": made_up(facts(slot, **named, settled=1, settled_at=later)),
        "missed_slots_over": made_up(facts(slot, **many, **over)),
        **{
            f"missed_{kind}": missed(facts(kind, **(named if kind.value in {"collection", "file", "exchange"} else {})))
            for kind in ExpectationKind
            if kind is not slot
        },
    }
