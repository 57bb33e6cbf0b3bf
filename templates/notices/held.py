"""A full read that was held because far fewer rows came: the button, and the question whether so few are right."""

from collections.abc import Sequence

from storage.facts.messages import (
    Button,
    Buttons,
    ButtonStyle,
    Facts,
    Heading,
    Message,
    Note,
    Paragraph,
    Part,
    Strong,
    When,
)
from storage.facts.runs import Held, Run
from storage.facts.sources import Source
from templates import actions
from templates.notices.pieces import Words
from templates.text import label, number
from templates.words import provider_name, short_names, source_title


def held_buttons(runs: Sequence[tuple[Source, Run]]) -> list[Part]:
    """Return a button for each of the first reads that wait for a person; nothing where none does."""
    held = [(source, run) for source, run in runs if run.held is not None][:3]
    names = short_names([source for source, _ in held])
    text = "Load it anyway" if len(held) == 1 else "Load {name} anyway"
    buttons = tuple(Button(text.format(name=names[source.id]), actions.HELD_ASK, run.id) for source, run in held)
    return [Buttons(buttons)] if buttons else []


def held_only(runs: Sequence[tuple[Source, Run]]) -> bool:
    """Whether all of them wait for a person."""
    return bool(runs) and all(run.held is not None for _, run in runs)


def held_words(found: Held) -> str:
    """Return what came and what is there: ``3,100 orders came where 18,204 are there``."""
    return f"{number(found.after)} {label(found.stream)} came where {number(found.before)} are there"


def confirm_held(organization: str, source: Source, run: Run, found: Held, *, value: str) -> Message:
    """Return the card that asks a manager before fewer rows replace what is there; `value` is for its button."""
    name = provider_name(source.provider)
    stream = label(found.stream)
    gone = found.before - found.after
    rows: tuple[tuple[str, Words], ...] = (
        ("Records", (stream,)),
        ("Rows now in the warehouse", (number(found.before),)),
        ("Rows that came", (number(found.after),)),
        ("Would be deleted", (Strong(number(gone)), f" ({gone * 100 // max(found.before, 1)} %)")),
        ("Read", (When(run.finished_at),) if run.finished_at else ("not known",)),
    )
    what = (
        f"{name} is read again now. If about as many {stream} come, they replace what is there and the others count as "
        "deleted. If far fewer than these come, or far fewer of another kind, that is held again."
    )
    return Message(
        f"{label(organization)}: load {number(found.after)} instead of {number(found.before)} {stream}? "
        "Nothing has started yet.",
        (
            Heading(f"Load {source_title(source)} with far fewer rows?"),
            Facts(rows),
            Paragraph((f"First check in {name} whether so much was really removed.",)),
            Paragraph((what,)),
            Buttons(
                (
                    Button("Load it anyway", actions.HELD_LOAD, value, ButtonStyle.DANGER),
                    Button("Leave it", actions.REFRESH_DISMISS),
                )
            ),
            Note(("The audit will show that it was you.",)),
        ),
        kind="held_confirm",
    )
