"""Who is called when a refresh does not end: the policy of a company in plain words, a change of it, and refusals."""

from collections.abc import Sequence

from storage.facts.messages import (
    Button,
    Buttons,
    ButtonStyle,
    Code,
    Facts,
    Heading,
    Message,
    Note,
    Paragraph,
    Part,
    Strong,
    When,
)
from storage.facts.people import Member
from storage.facts.policies import ACKNOWLEDGED_FOR, OURS, PlannedCall, PolicyStep, PolicyView, StepKind
from templates import actions, times
from templates.notices.answers import refused, say
from templates.notices.calls import BY, caller
from templates.notices.pieces import Words
from templates.text import counted, label, listed

_USAGE: Words = (
    "Admins change it, and a card asks first: ",
    Code("/data escalation after 2 hours"),
    " (support, by 3 hours at the latest), ",
    Code("/data escalation channel #ops after 30 minutes"),
    ", ",
    Code("/data escalation step 3 person @maria after 4 hours by both"),
    " (slack, mail or both), ",
    Code("/data escalation remove step 3"),
    ", ",
    Code("/data escalation default"),
    ". All times count from the moment somebody asks for the refresh.",
)
_REFUSED = {
    "late": (
        "Support is called by 3 hours at the latest.",
        "choose 30 minutes to 3 hours; your own people can be called later.",
    ),
    "early": ("Support is called after 30 minutes at the earliest.", "call your own people before: choose a channel."),
    "support": ("Step 1 is support, and stays.", "say when it is called: /data escalation after 2 hours."),
    "own": ("Your own people are called after 15 minutes at the earliest, 24 hours at the latest.", "choose between."),
    "number": ("There is no step of that number.", "look at the steps: /data escalation."),
    "many": ("There are 6 steps of your own already.", "take one out first: /data escalation remove step 3."),
    "channel": (
        "Tidings may not speak in that channel, or Slack did not name it.",
        "type /data channel allow there, and then /data escalation channel here after 30 minutes.",
    ),
    "person": ("That is nobody with a role in your company's Tidings.", "let them in: /data members grant."),
    "same": ("That is how it is already.", "look at the steps: /data escalation."),
    "way": ("A channel is called in Slack only.", "leave the last words out."),
}


def policy_shown(view: PolicyView) -> Message:
    """Return who is called when, and how an admin changes that."""
    title = f"{label(view.organization)}: who is called when a refresh does not end"
    parts: tuple[Part, ...] = (Heading(title), *_steps(view), Note((_acknowledged(),)), Note(_USAGE))
    return Message(f"{title}.", parts, kind="policy")


def policy_preview(view: PolicyView, value: str) -> Message:
    """Return the card that shows another policy, with what it would do today, before it is saved."""
    title = "Change who is called when a refresh does not end?"
    rows = tuple((_called(call), (When(call.at),)) for call in view.calls)
    parts: tuple[Part, ...] = (
        Heading(title),
        *_steps(view),
        Paragraph((Strong("If a refresh began now, did not end and nobody took it on:"),)),
        Facts(rows),
        Paragraph((_running(view.running),)),
        Buttons(
            (
                Button("Save", actions.POLICY_SET, value, ButtonStyle.PRIMARY),
                Button("Leave it", actions.REFRESH_DISMISS),
            )
        ),
        Note((_acknowledged(),)),
    )
    return Message(f"{title} Nothing is changed yet.", parts, kind="policy_preview")


def policy_set(view: PolicyView) -> Message:
    """Return what holds now."""
    words = "Saved: this holds for every refresh that begins from now on."
    parts: tuple[Part, ...] = (Paragraph((Strong(words),)), *_steps(view), Note((_running(view.running),)))
    return Message(words, parts, kind="policy_set")


def policy_refused(reason: str) -> Message:
    """Return why that policy is not possible."""
    return refused(_REFUSED[reason], kind="policy")


def policy_usage(words: str) -> Message:
    """Return how the command is written; `words` is what was not understood."""
    told = f"“{label(words)}” does not say who is to be called when. Nothing was changed."
    return say(told, (told,), _USAGE, kind="policy")


def on_call_left(left: Member, steps: Sequence[PolicyStep]) -> Message:
    """Return what admins are told when somebody whom their policy named has left."""
    name = label(left.name)
    told = f"{name} has left, and is called no more when a refresh does not end."
    own = [caller(step) for step in steps if step.kind not in OURS]
    rest = f"Besides support, {listed(own)} will be called." if own else "Only support is called now."
    step: Words = (Strong("Next step: "), "name somebody else if you want: ", Code("/data escalation"), ".")
    return say(told, (told, f" {rest}"), step, kind="on_call_left")


def _steps(view: PolicyView) -> tuple[Part, ...]:
    """Return the steps by their times; support is number 1, wherever it stands."""
    numbers = {step: number for number, step in enumerate(view.own, 2)}
    rows: list[tuple[str, Words]] = []
    for after in dict.fromkeys(step.after for step in view.policy.steps):
        here = [step for step in view.policy.steps if step.after == after]
        ours = [caller(step) for step in here if step.kind in OURS]
        if ours:
            rows.append((f"Step 1, after {times.span(after.total_seconds())}", (f"{listed(ours)} (always)",)))
        rows += [
            (f"Step {numbers[step]}, after {times.span(after.total_seconds())}", (_who(step, view),))
            for step in here
            if step.kind not in OURS
        ]
    return (Facts(tuple(rows)),)


def _who(step: PolicyStep, view: PolicyView) -> str:
    who = caller(step) if step.kind is StepKind.CHANNEL else f"{label(step.name)} {BY[step.by]}"
    if step not in view.unreachable:
        return who
    why = "Tidings may not speak there" if step.kind is StepKind.CHANNEL else "no member any more"
    return f"{who} ({why}: others are called instead)"


def _called(call: PlannedCall) -> str:
    return listed([caller(step) for step in call.steps]) if call.steps else "support, once more"


def _acknowledged() -> str:
    held = times.span(ACKNOWLEDGED_FOR.total_seconds())
    return (
        f"Whoever in support acknowledges it has it in hand for {held}; then the next step follows at once. After the "
        "last step support is called again, after 1 h, 2 h, 4 h and so on up to a day, until it ends."
    )


def _running(count: int) -> str:
    if not count:
        return "No refresh is under way. This holds for those that begin from now on."
    keeps = "keeps the policy that it began with" if count == 1 else "keep the policy that they began with"
    return f"{counted(count, 'refresh', 'refreshes')} under way {keeps}; this holds for those that begin from now on."
