"""Help fits the role: everything it names may be done by whoever reads it, and nothing that they may do is left out."""

from collections.abc import Callable, Collection, Sequence

import pytest

from bot.commands import VERBS
from bot.dispatch import table
from jobs.authorize import NEEDED
from storage.facts.messages import Code, Facts, Message
from storage.facts.people import Action, Role
from templates.notices import help_text

#: What changing something needs, where looking at it needs less.
CHANGES = {
    "metric new": Action.CHANGE_METRICS,
    "schedule shopify": Action.CHANGE_SCHEDULE,
    "promise shopify": Action.CHANGE_PROMISE,
    "mute shopify": Action.MUTE_ALARMS,
    "channel allow": Action.MANAGE_CHANNELS,
}
#: Not named: help itself, and what a card or an alarm names where it is needed.
UNNAMED = {"help"}
Words = Callable[[Collection[Action], Role], Message]


def rights(role: Role) -> list[Action]:
    return [action for action, needed in NEEDED.items() if role.includes(needed)]


def commands(told: Message) -> list[str]:
    """Return the commands that a help names."""
    facts = [part for part in told.parts if isinstance(part, Facts)]
    words: Sequence[object] = [word for fact in facts for _, row in fact.rows for word in row]
    return [word.text.removeprefix("/data ") for word in words if isinstance(word, Code)]


def needed(command: str) -> Action:
    """Return the right that a command needs."""
    own = [action for words, action in CHANGES.items() if command.startswith(words)]
    return own[0] if own else table()[f"say:{command.split(maxsplit=1)[0]}"].needs


def wrong(words: Words, role: Role) -> list[str]:
    """Return what the help of a role names and must not, and what it does not name and should."""
    told, may = commands(words(rights(role), role)), rights(role)
    too_much = [f"names {command}" for command in told if needed(command) not in may]
    verbs = {command.split()[0] for command in told}
    wanted = {verb for verb in VERBS if table()[f"say:{verb}"].needs in may} - UNNAMED
    return too_much + [f"lacks {verb}" for verb in sorted(wanted - verbs)]


@pytest.mark.parametrize("role", list(Role))
def test_help_names_what_the_reader_may_do_and_all_of_it(role: Role) -> None:
    assert wrong(help_text, role) == []


def test_the_check_catches_the_same_help_for_everybody() -> None:
    """Twins: help that shows everything to all, and help that shows a viewer's part to all."""
    assert "names webhooks" in wrong(lambda _may, role: help_text(list(Action), role), Role.VIEWER)
    assert "lacks refresh" in wrong(lambda _may, role: help_text(rights(Role.VIEWER), role), Role.ADMIN)


def test_what_is_wanted_most_comes_first_and_whoever_lacks_a_right_learns_whom_to_ask() -> None:
    assert commands(help_text(rights(Role.REFRESHER), Role.REFRESHER))[:3] == [
        "status", "status shopify", "refresh shopify",
    ]  # fmt: skip
    said = str(help_text(rights(Role.VIEWER), Role.VIEWER, ("Daniel Kim",)).parts)
    assert "Your role is viewer." in said
    assert "ask an admin (Daniel Kim)" in said
    assert "ask an admin" not in str(help_text(rights(Role.ADMIN), Role.ADMIN).parts)
