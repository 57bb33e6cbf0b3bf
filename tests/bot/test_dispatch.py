"""The dispatch table: every entry needs a right, everybody without it is turned away, and nothing else exists."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from bot.dispatch import Entry, permit, table
from bot.front import Front
from bot.interaction import Interaction, Kind
from bot.questions import Intent
from jobs.authorize import NEEDED, SUPPORT
from jobs.errors import NotAllowedError
from storage.facts.people import Action, Actor, Role, SlackIdentity
from templates import actions
from tests.bot.twins.services import TwinServices
from tests.bot.twins.world import MEMBERS

ENTRIES = table()
MAYA = SlackIdentity("T0TEMERITY", "U0MAYA")
#: forms that are sent, and menus that search: nobody presses these
FORMS = {
    f"submit:{actions.METRIC_SAVE}",
    f"submit:{actions.MAPPING_SAVE}",
    f"search:{actions.METRIC_SEARCH}",
    f"search:{actions.REFRESH_SOURCES}",
}
BUTTONS = {value for name, value in vars(actions).items() if name.isupper()} - {
    name.partition(":")[2] for name in FORMS
}


def everybody() -> dict[str, Actor]:
    """Return one actor of every kind."""
    cast = {one.role.value: Actor(SlackIdentity(one.team_id, one.user_id), one) for one in MEMBERS}
    cast["stranger"] = Actor(SlackIdentity("T0TEMERITY", "U0GUEST"), None)
    cast["support"] = Actor(SlackIdentity("T0SUPPORT", "U0SAM"), None, support=True)
    return cast


def allowed(actor: Actor, entry: Entry) -> bool:
    try:
        permit(actor, entry.needs)
    except NotAllowedError:
        return False
    return True


def holes(entries: Mapping[str, Entry]) -> list[str]:
    """Return every entry that somebody reaches who should not."""
    found = []
    for name, entry in entries.items():
        for who, actor in everybody().items():
            if entry.needs in SUPPORT:
                wanted = who == "support"
            else:
                wanted = actor.member is not None and actor.member.role.includes(NEEDED[entry.needs])
            if allowed(actor, entry) != wanted:
                found.append(f"{name} by {who}")
    return found


def test_every_entry_declares_a_right_that_authorize_knows() -> None:
    for name, entry in ENTRIES.items():
        assert entry.needs in NEEDED or entry.needs in SUPPORT, name
        assert entry.surfaces, name


def test_everybody_reaches_exactly_what_their_role_allows() -> None:
    assert holes(ENTRIES) == []
    assert not any(allowed(everybody()["stranger"], entry) for entry in ENTRIES.values())


@pytest.mark.parametrize(
    "name, needs",
    [
        ("click:refresh_confirm", Action.START_REFRESH),
        ("click:refresh_stale", Action.START_REFRESH),
        ("click:refresh_cancel", Action.CANCEL_REFRESH),
        ("click:access_ask", Action.ASK_FOR_ACCESS),
        ("click:access_approve", Action.DECIDE_ACCESS),
        ("click:access_decline", Action.DECIDE_ACCESS),
        ("click:escalation_acknowledge", Action.ACKNOWLEDGE_ESCALATION),
        ("click:escalation_retry", Action.RETRY_ESCALATED),
        ("click:escalation_cancel", Action.CANCEL_ESCALATED),
        ("say:refresh", Action.START_REFRESH),
        ("say:history", Action.SEE_HISTORY),
    ],
)
def test_what_changes_something_needs_its_own_right(name: str, needs: Action) -> None:
    """Written down twice on purpose: a button that becomes harmless by mistake is found here."""
    assert ENTRIES[name].needs is needs


def test_every_button_and_every_intent_has_an_entry() -> None:
    assert {f"click:{name}" for name in BUTTONS} == {name for name in ENTRIES if name.startswith("click:")}
    assert set(ENTRIES) >= FORMS
    assert {f"say:{intent.value}" for intent in Intent} == {name for name in ENTRIES if name.startswith("say:")}


@pytest.mark.parametrize("name", sorted(BUTTONS))
async def test_every_button_turns_a_stranger_and_another_workspace_away(name: str) -> None:
    services = TwinServices()
    front = Front(services)
    for identity in (SlackIdentity("T0TEMERITY", "U0GUEST"), SlackIdentity("T0OUTSIDE", "U0OUTSIDE")):
        request = Interaction(
            Kind.ACTION, identity, "T0TEMERITY", "C0FINANCE", "1.2", name=name, value='{"c":"k","s":"all"}'
        )
        reply = await front.answer(request)
        assert reply.message is not None
        assert reply.message.kind == "not_allowed"
    assert not services.refresh.started
    assert not services.refresh.cancelled
    assert not services.escalation.done
    assert not services.access.wishes
    assert not services.access.decided


async def test_a_button_that_is_not_in_the_table_does_nothing() -> None:
    front = Front(TwinServices())
    for name in ("refresh_everything", "", "say:refresh", "refresh_confirm.", "__init__"):
        reply = await front.answer(Interaction(Kind.ACTION, MAYA, "T0TEMERITY", "C0FINANCE", "1.2", name=name or "x"))
        assert reply.message is not None
        assert reply.message.kind == "not_found"


async def test_an_entry_answers_only_on_its_own_surface() -> None:
    entries = {"click:refresh_confirm": replace(ENTRIES["click:refresh_confirm"], surfaces=frozenset({Kind.COMMAND}))}
    services = TwinServices()
    reply = await Front(services, entries).answer(
        Interaction(
            Kind.ACTION, MAYA, "T0TEMERITY", "C0FINANCE", "1.2", name="refresh_confirm", value='{"c":"k","s":"all"}'
        )
    )
    assert reply.message is not None
    assert reply.message.kind == "not_found"
    assert services.refresh.started == []


async def test_a_role_that_was_taken_away_counts_at_the_click() -> None:
    services = TwinServices()
    front = Front(services)
    maya = services.people.known[MAYA]
    assert maya.member is not None
    services.people.known[MAYA] = Actor(MAYA, replace(maya.member, role=Role.VIEWER))
    click = Interaction(
        Kind.ACTION, MAYA, "T0TEMERITY", "C0FINANCE", "1.2", name="refresh_confirm", value='{"c":"k","s":"all"}'
    )
    reply = await front.answer(click)
    assert reply.message is not None
    assert "Refresher" in reply.message.summary or "refresher" in reply.message.summary
    assert services.refresh.started == []


def test_the_enumeration_catches_a_table_with_a_hole() -> None:
    """Twins: support buttons that members may press, and a button that any member may press."""
    loose = dict(ENTRIES)
    loose["click:escalation_cancel"] = replace(loose["click:escalation_cancel"], needs=Action.SEE_STATUS)
    assert loose["click:escalation_cancel"].needs is not ENTRIES["click:escalation_cancel"].needs

    def open_to_all(_actor: Actor, _entry: Entry) -> bool:
        return True

    found = [name for name, entry in ENTRIES.items() if open_to_all(everybody()["stranger"], entry)]
    assert found, "a gate that lets everybody pass must be seen"
