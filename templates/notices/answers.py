"""Short answers: joined, nothing to do, disconnected, unknown words, help, not allowed, not found, something failed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from storage.facts.messages import Buttons, Code, Message, Note, Paragraph, Part, Strong, When
from storage.facts.people import Action, Role
from storage.facts.sources import Source
from storage.facts.status import RefreshStatus
from templates.notices.card import for_others, outcome
from templates.notices.confirm import SLACK_ONLY
from templates.notices.pieces import Words, reconnect_button
from templates.text import label, listed, shorten
from templates.words import ROLES, action_words, short_names, source_name, source_title, who


def say(summary: str, *words: Words, kind: str = "answer") -> Message:
    """Return a message of paragraphs; the summary is its only words where there are no others."""
    parts: list[Part] = [Paragraph(entry) for entry in words] or [Paragraph((summary,))]
    return Message(summary, tuple(parts), kind=kind)


def tell(summary: str, *words: Words, kind: str = "answer") -> Message:
    """Return a message that says the summary, and more below it."""
    return say(summary, (summary,), *words, kind=kind)


def refused(why: tuple[str, str], *, kind: str, kept: str = "Nothing was changed.") -> Message:
    """Return that something is not possible: `why` says what stands against it, and the one next step."""
    what, step = why
    return tell(f"{what} {kept}", (Strong("Next step: "), step), kind=kind)


def joined(refresh: RefreshStatus, *, where: str | None = None, slack_only: bool = False) -> Message:
    """Return the answer to a second request while one runs: it joins. `where` names where the card is.

    `slack_only`: there is no address to which the confirmation could be mailed.
    """
    first = label(refresh.requested_by) if refresh.requested_by else "the schedule"
    place = f" Progress is shown {where}." if where else ""
    summary = f"{label(refresh.organization)}: you joined the refresh that is already running."
    words: Words = (
        Strong("You joined the refresh that is already running."),
        f" It was asked for by {first}, ",
        When(refresh.requested_at),
        f". Now: {outcome(refresh)}. You will be told when it ends.{place}",
    )
    told = say(summary, words, kind="refresh_joined")
    return replace(told, parts=(*told.parts, Note((SLACK_ONLY,)))) if slack_only else told


def already_waiting(refresh: RefreshStatus) -> Message:
    """Return the answer to somebody who asks again for what they already wait for."""
    summary = f"{label(refresh.organization)}: you already wait for this refresh; you will be told when it ends."
    asked: Words = ("You already wait for this refresh, asked for ", When(refresh.requested_at))
    return say(summary, (*asked, f". Now: {outcome(refresh)}. You will be told when it ends."), kind="refresh_joined")


def disconnected(
    organization: str, source: Source, *, last_data_refresh: datetime | None = None, admins: Sequence[str] = ()
) -> Message:
    """Return the answer to a refresh of a disconnected source: what it means and the one next step."""
    name = source_name(source)
    reason = f" ({label(source.connection_reason).rstrip('.')})" if source.connection_reason else ""
    summary = f"{label(organization)}: {name} is disconnected, so it cannot be refreshed. Nothing was started."
    since: Words = (Strong(name), " is disconnected since ", When(source.connection_since), f"{reason}.")
    means: Words = ("No new data can come until it is reconnected.",)
    if last_data_refresh:
        means = (
            "What is there stays, as of ",
            When(last_data_refresh),
            "; no newer data can come until it is reconnected.",
        )
    step: Words = (
        Strong("Next step:"),
        f" {who(admins)} can reconnect it with the button, or with ",
        Code(_again(source)),
        ".",
    )
    told = say(summary, (*since, " Nothing was started."), means, step, kind="disconnected")
    return replace(told, parts=(*told.parts, Buttons((reconnect_button(source),))))


def _again(source: Source) -> str:
    return f"/data reconnect {label(source.label)}"


def nothing_started(organization: str, left_out: Sequence[Source], admins: Sequence[str] = ()) -> Message:
    """Return the answer where everything that was asked for is disconnected, or nothing needed a refresh."""
    if not left_out:
        summary = f"{label(organization)}: everything is fresh already, so nothing was started."
        return say(summary, kind="nothing_to_do")
    if len(left_out) == 1:
        return disconnected(organization, left_out[0], admins=admins)
    names = listed([source_name(source) for source in left_out])
    summary = f"{label(organization)}: nothing was started, because {len(left_out)} sources are disconnected."
    step: Words = (
        Strong("Next step:"),
        f" {who(admins)} can reconnect them one by one, with ",
        Code("/data reconnect"),
        ".",
    )
    told = say(summary, (f"{names} are disconnected. Nothing was started.",), step, kind="disconnected")
    buttons = tuple(reconnect_button(source, source_title(source)) for source in left_out[:5])
    return replace(told, parts=(*told.parts, Buttons(buttons)))


def no_sources(organization: str, admins: Sequence[str] = ()) -> Message:
    """Return the answer of an organization without sources."""
    summary = f"{label(organization)} has no sources connected yet."
    return say(
        summary,
        (summary,),
        (Strong("Next step:"), f" {who(admins)} can connect one, with ", Code("/data connect"), "."),
    )


def unknown_source(text: str, known: Sequence[str], guess: str | None = None) -> Message:
    """Return the answer to a name that is no source, with the nearest one and the list."""
    asked = shorten(label(text), 80)
    summary = f"There is no source “{asked}”." + (f" Did you mean {label(guess)}?" if guess else "")
    words: Words = (f"There is no source “{asked}”.",)
    if guess:
        words += (" Did you mean ", Strong(label(guess)), "?")
    have: Words = (f"Sources here: {listed(list(known), most=10)}." if known else "No sources are connected yet.",)
    return say(summary, words, have, kind="unknown_source")


def unknown_command(text: str, guess: str | None = None) -> Message:
    """Return the answer to words that are no command; `guess` is a whole command such as ``status shopify``."""
    asked = shorten(label(text), 80)
    summary = f"I don't know “{asked}”." + (f" Did you mean /data {label(guess)}?" if guess else " Try /data help.")
    words: Words = (f"I don't know “{asked}”.",)
    if guess:
        words += (" Did you mean ", Code(f"/data {label(guess)}"), "?")
    return say(summary, words, ("See all commands: ", Code("/data help")), kind="unknown_command")


def not_allowed(action: Action, needed: Role, admins: Sequence[str] = (), noun: str = "Metric") -> Message:
    """Return the answer to somebody whose role is too small: which one is needed and who can give it."""
    done = action_words(action, noun)
    summary = f"You need the role {ROLES[needed]} to {done}. Nothing was done."
    words: Words = ("You need the role ", Strong(ROLES[needed]), f" to {done}. Nothing was done.")
    return say(summary, words, (Strong("Next step:"), f" ask {who(admins)} for it."), kind="not_allowed")


def not_a_member(admins: Sequence[str] = ()) -> Message:
    """Return the answer to somebody whom the organization has given no role."""
    summary = "You have no role in Tidings here yet. Nothing was done."
    return say(summary, (summary,), (Strong("Next step:"), f" ask {who(admins)} to add you."), kind="not_allowed")


def not_found() -> Message:
    """Return the answer to a thing that does not exist, or belongs to somebody else: the same words for both."""
    return say("There is nothing here by that name. It may have ended, or the message is old.", kind="not_found")


def try_again() -> Message:
    """Return the answer where the commit did not come in time, so that nothing exists."""
    return say("That took too long, so nothing was started. Please press again.", kind="try_again")


def accepted() -> Message:
    """Return the answer where a click is written down and its effect takes longer than usual."""
    return say(
        "Your request is accepted. It takes longer than usual to start; there is no need to press again.",
        kind="accepted",
    )


def no_room() -> Message:
    """Return the answer where nothing can be written down because the disk is full."""
    summary = (
        "Tidings has no room left to write anything down, so nothing was started. Pressing again does not help yet."
    )
    words: Words = ("The data that is ready stays as it is.",)
    step: Words = (Strong("Next step:"), " tell support that Tidings' disk is full.")
    return say(summary, (summary,), words, step, kind="no_room")


def failure(reference: str) -> Message:
    """Return the answer to an unexpected error; support finds it by the reference."""
    summary = f"Something went wrong on our side. Give support the reference {reference}."
    words: Words = (
        "Something went wrong on our side. If it happens again, give support the reference ",
        Code(reference),
        ".",
    )
    return say(summary, words, kind="error")


def too_late(what_happened: str) -> Message:
    """Return the answer to a click on something that has ended or been done meanwhile, with what happened."""
    return say(f"Too late: {label(what_happened).rstrip('.')}. Nothing was changed.", kind="too_late")


def form_not_opened() -> Message:
    """Return the answer to a click whose form could not be opened in the three seconds that Slack gives."""
    said = "The form could not be opened in time. Nothing was done."
    return say(said, (said,), (Strong("Next step:"), " press the button again."), kind="try_again")


def cannot_speak() -> Message:
    """Return what is said where answers arrive and nothing else does: the workspace's stored token cannot be read."""
    said = "Tidings cannot post in this Slack workspace now: its stored Slack access cannot be read."
    still = "Answers to commands still come. Forms, cards and confirmations do not; e-mails go on. Nothing is lost."
    step = (Strong("Next step:"), " tell whoever runs Tidings, or let a Slack admin install the app again.")
    return say(said, (said,), (still,), step, kind="cannot_speak")


def cancel_requested(refresh: RefreshStatus) -> Message:
    """Return the answer to Cancel: what stops between two steps, and what goes on because others wait for it."""
    names = short_names([source for source, _ in refresh.runs])
    going = [(names[source.id], for_others(refresh, source)) for source, run in refresh.runs if run.goes_on]
    stopping = any(not run.goes_on and run.state.active for _, run in refresh.runs)
    on = "".join(f" The run of {name} goes on{others}." for name, others in going[:3])
    organization = label(refresh.organization)
    if stopping:
        summary = f"{organization}: the refresh is being stopped. Data that is ready stays as it is.{on}"
    elif going:
        summary = f"{organization}: you are no longer told about this refresh.{on} Nothing is lost."
    else:
        summary = f"{organization}: the refresh was stopped. Data that is ready stays as it is."
    return say(summary, kind="cancel_requested")
