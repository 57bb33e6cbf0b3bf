"""Each cause in one sentence, fit to follow "Because"."""

from collections.abc import Callable, Mapping

from storage.facts.deliveries import Channel, Delivery, DeliveryState
from storage.facts.explain import Cause, Evidence, Explanation
from storage.facts.messages import When
from storage.facts.runs import Run
from storage.facts.sources import Source
from templates.notices.held import held_words
from templates.notices.partly import lost
from templates.notices.past import back_to
from templates.notices.pieces import Words, because, rows_so_far, stretched, usual
from templates.rhythm import rhythm
from templates.text import label
from templates.words import FRESHNESS, STAGES, failure_words, missing_words, provider_name

_SAFE = "The data is ready and safe to import."
_OURS = "That is trouble of Tidings' own, not yours and not the provider's."


def cause_words(explanation: Explanation) -> Words:
    """Return the primary cause in one sentence."""
    return _WORDS[explanation.cause](explanation.evidence)


def _name(evidence: Evidence) -> str:
    return provider_name(evidence.status.source.provider)


def _reason(source: Source) -> str:
    return f" ({label(source.connection_reason).rstrip('.')})" if source.connection_reason else ""


def _on_purpose(evidence: Evidence) -> Words:
    source = evidence.status.source
    said = "somebody of your organization disconnected it on purpose"
    return (f"{said}{_reason(source)}, since ", When(source.connection_since), ". Its data stays as it was.")


def _by_provider(evidence: Evidence) -> Words:
    source = evidence.status.source
    return (f"{_name(evidence)} took the access back{_reason(source)}, since ", When(source.connection_since), ".")


def _refused(evidence: Evidence) -> Words:
    source = evidence.status.source
    said = f"{_name(evidence)} does not accept the connection any more{_reason(source)}, since "
    return (said, When(source.connection_since), ".")


def _active(evidence: Evidence) -> Run:
    assert evidence.status.active is not None
    return evidence.status.active


def _stopping(_: Evidence) -> Words:
    return ("a refresh is being stopped, as somebody asked. No other one begins before it has ended.",)


def _no_worker(evidence: Evidence) -> Words:
    asked = _active(evidence).clocks.requested_at
    return ("a refresh waits since ", When(asked), f" and no process is there that would do it. {_OURS}")


def _stuck(evidence: Evidence) -> Words:
    run = _active(evidence)
    seen = run.progress_at or run.started_at or run.clocks.requested_at
    return ("a refresh is under way that has given no sign of life since ", When(seen), f". {_OURS}")


def _rate_limit(evidence: Evidence) -> Words:
    until = evidence.blocked_until or _active(evidence).next_attempt_at
    words: Words = (f"{_name(evidence)} asked us to slow down. The collection goes on by itself",)
    return (*words, "; no call is wanted until ", When(until), ".") if until else (*words, ".")


def _prepares(evidence: Evidence) -> Words:
    words: Words = (f"{_name(evidence)} is still making the report or file that was asked for. Tidings looks again",)
    at = _active(evidence).next_attempt_at
    return (*words, ", next attempt ", When(at), ".") if at else (*words, " by itself.")


def _waits(evidence: Evidence) -> Words:
    run = _active(evidence)
    words: Words = ("the last attempt did not succeed", *because(run), ". It is tried again by itself")
    return (*words, ", next attempt ", When(run.next_attempt_at), ".") if run.next_attempt_at else (*words, ".")


def _turn(_: Evidence) -> Words:
    return ("the collection waits for its turn: others of the same account make all the calls that are allowed.",)


def _queued(evidence: Evidence) -> Words:
    return ("a refresh is queued since ", When(_active(evidence).clocks.requested_at), " and begins in a moment.")


def _collecting(evidence: Evidence) -> Words:
    run = _active(evidence)
    rows = rows_so_far(run)
    took = usual(evidence.status.duration)
    words: Words = (f"new data is being collected right now{f', {rows}' if rows else ''}.",)
    return (*words, " That usually takes ", *took, ".") if took else words


def _processing(evidence: Evidence) -> Words:
    rows = rows_so_far(_active(evidence))
    return (f"new data is collected{f' ({rows})' if rows else ''} and is being made ready to import right now.",)


def _held(evidence: Evidence) -> Words:
    run = evidence.status.last_finished
    seen = f": {held_words(run.held)}" if run is not None and run.held is not None else ""
    told = f"the newest read is held{seen}. Nothing was loaded or replaced; a person decides whether so few are right."
    return (told,)


def _failed(evidence: Evidence) -> Words:
    run = evidence.status.last_finished
    failure = run.failure if run is not None else None
    if run is None or failure is None:
        return (f"the last collection failed for a reason that was not noted. {_OURS}",)
    ended: Words = (" at ", When(run.finished_at)) if run.finished_at else ()
    what = failure_words(failure, evidence.status.source).what
    return (f"the last collection failed while {STAGES[failure.stage]}", *ended, f": {what}")


def _attention(evidence: Evidence) -> Words:
    return (f"the connection works, but needs attention{_reason(evidence.status.source)}.",)


def _partial(evidence: Evidence) -> Words:
    ready = evidence.status.last_ready
    partly = ready.partly if ready is not None else None
    if partly is None:
        return ("the newest collection could read only a part of it.",)
    said = " ".join(missing_words(one, evidence.status.source) for one in partly.missing[:2])
    return (f"{lost(partly)} could not be read. {said}",)


def _off(evidence: Evidence) -> Words:
    at = evidence.status.source.scheduled_at
    words: Words = ("its schedule is off, as somebody of your organization set it",)
    return (*words, ", since ", When(at), ". It is collected only when somebody asks.") if at else (*words, ".")


def _clock(evidence: Evidence) -> Words:
    assert evidence.missed_at is not None
    return ("a collection is due since ", When(evidence.missed_at), f" and was not started. {_OURS}")


def _cancelled(evidence: Evidence) -> Words:
    run = evidence.status.last_finished
    ended: Words = (", ", When(run.finished_at)) if run is not None and run.finished_at else ()
    return ("the last collection was cancelled", *ended, ", and nothing was collected since.")


def _never(_: Evidence) -> Words:
    return ("nothing of it was ever read to the end yet.",)


def _confirmation(evidence: Evidence) -> Delivery | None:
    asked = evidence.asked
    if asked is None:
        return None
    mails = [one for one in asked.deliveries if one.channel is Channel.EMAIL] or list(asked.deliveries)
    return next((one for one in mails if one.state is not DeliveryState.SENT), None)


def _way(delivery: Delivery | None) -> str:
    return "The mail" if delivery is None or delivery.channel is Channel.EMAIL else "The post in Slack"


def _not_told(evidence: Evidence) -> Words:
    one = _confirmation(evidence)
    seen = f": {label(one.reason).rstrip('.')}" if one is not None and one.reason else ""
    told = f"{_SAFE} {_way(one)} that says so did not arrive, as far as Tidings can tell{seen}."
    return (told,)


def _telling(evidence: Evidence) -> Words:
    one = _confirmation(evidence)
    if one is not None and one.state is DeliveryState.HELD and one.held_until is not None:
        told = f"{_SAFE} {_way(one)} that says so is held for the quiet hours of whoever reads it, until "
        return (told, When(one.held_until), ".")
    return (f"{_SAFE} {_way(one)} that says so is still on its way.",)


def _untold(evidence: Evidence) -> Words:
    one = _confirmation(evidence)
    reason = f": {label(one.reason).rstrip('.')}" if one is not None and one.reason else ""
    return (f"{_SAFE} {_way(one)} that says so was deliberately not sent{reason}.",)


def _stretched(evidence: Evidence) -> Words:
    return stretched(evidence.status) or ("it is collected less often, to stay within the read budget.",)


def _files(evidence: Evidence) -> Words:
    as_of = evidence.data_as_of
    words: Words = (f"{_name(evidence)} delivers files to us, and no new one has come",)
    if as_of is None:
        return (*words, " yet.")
    usual = evidence.status.next_file_at
    by: Words = ("; one usually comes by ", When(usual)) if usual else ()
    return (*words, " since the one of ", When(as_of), *by, ".")


def _timer(evidence: Evidence) -> Words:
    source, asked, changed = evidence.status.source, evidence.asked, evidence.status.changed_at
    words: Words = (f"{_name(evidence)} is collected by a timer ({rhythm(source)}), not by a refresh",)
    if evidence.older_than_question and asked is not None:
        words = (*words, ": what you see was collected before your refresh, asked for ", When(asked.requested_at))
        return (*words, ", and the next collection has not come yet.")
    if changed is not None:
        return (*words, ": it tells of changes since ", When(changed), ", which the next collection brings.")
    return (*words, ".")


def _joined(evidence: Evidence) -> Words:
    assert evidence.asked is not None
    words: Words = (
        "your refresh, asked for ",
        When(evidence.asked.requested_at),
        ", joined a collection that had begun before,",
    )
    return (*words, " and its data ends before you asked. Refresh again for anything newer.")


def _older(evidence: Evidence) -> Words:
    ready = evidence.status.last_ready
    begins = f" (in so far: {back_to(ready.older)})" if ready is not None and ready.older else ""
    return (f"older periods are still being read, one after the other{begins}. What is new is in.",)


def _lag(evidence: Evidence) -> Words:
    return (f"{_name(evidence)} itself is behind. {label(evidence.lag or '')}",)


def _unexplained(evidence: Evidence) -> Words:
    state = FRESHNESS[evidence.status.freshness]
    return (f"it is {state} and nothing was found that usually explains it. Do not take its data for fresh.",)


def _unchanged(evidence: Evidence) -> Words:
    as_of = evidence.data_as_of
    words: Words = (f"{_name(evidence)} was asked and had nothing that is not here",)
    return (*words, ", as of ", When(as_of), ".") if as_of else (*words, ".")


def _well(evidence: Evidence) -> Words:
    as_of = evidence.data_as_of
    return ("All is in as of ", When(as_of), ", and ready to import.") if as_of else ("Nothing is wrong.",)


_WORDS: Mapping[Cause, Callable[[Evidence], Words]] = {
    Cause.DISCONNECTED_ON_PURPOSE: _on_purpose,
    Cause.DISCONNECTED_BY_PROVIDER: _by_provider,
    Cause.DISCONNECTED_LOST: _refused,
    Cause.STOPPING: _stopping,
    Cause.NO_WORKER: _no_worker,
    Cause.STUCK: _stuck,
    Cause.RATE_LIMIT: _rate_limit,
    Cause.PROVIDER_PREPARES: _prepares,
    Cause.WAITS_ATTEMPT: _waits,
    Cause.WAITS_TURN: _turn,
    Cause.QUEUED: _queued,
    Cause.COLLECTING: _collecting,
    Cause.PROCESSING: _processing,
    Cause.HELD: _held,
    Cause.FAILED_KNOWN: _failed,
    Cause.FAILED_UNKNOWN: _failed,
    Cause.ATTENTION: _attention,
    Cause.PARTIAL: _partial,
    Cause.SCHEDULE_OFF: _off,
    Cause.CLOCK_STOPPED: _clock,
    Cause.CANCELLED: _cancelled,
    Cause.NEVER_READ: _never,
    Cause.DELIVERY_FAILED: _not_told,
    Cause.DELIVERY_PENDING: _telling,
    Cause.DELIVERY_SKIPPED: _untold,
    Cause.STRETCHED: _stretched,
    Cause.NO_NEW_FILE: _files,
    Cause.TIMER_NOT_DUE: _timer,
    Cause.JOINED: _joined,
    Cause.OLDER_PERIODS: _older,
    Cause.PROVIDER_LAG: _lag,
    Cause.UNEXPLAINED: _unexplained,
    Cause.UNCHANGED: _unchanged,
    Cause.WELL: _well,
}
