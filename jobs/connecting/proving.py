"""Proving that the browser is the member's: a code that only their Slack shows, or Slack itself says who it is.

Without this, whoever starts a flow could let a stranger consent, and the stranger's books would land with them.
"""

from connectors.errors import ConnectorError
from connectors.grants import Pairs
from connectors.slack_signin import SignedIn, sign_in_address, signed_in
from jobs.connecting import reasons, telling, trail
from jobs.connecting.finding import admitted, bind, in_browser, locked, locked_link, still_allowed
from jobs.connecting.marks import (
    LINK_LIVES,
    MOST_CODES,
    MOST_TRIES,
    hash_of,
    new_code,
    new_mark,
    same,
    typed_code,
)
from jobs.connecting.means import Means
from jobs.errors import FlowGoneError, FlowRefusedError, TooManyCodesError, WrongCodeError
from storage.facts.flows import Flow, FlowState
from storage.facts.people import SlackIdentity
from storage.facts.secret import Secret
from storage.records import flows
from storage.sessions import Session


async def send_code(means: Means, link: Secret, browser: Secret) -> None:
    """Bind the flow to this browser, and send a new code to the member by DM; the code before it is none any more."""
    code = new_code()

    def work(session: Session) -> None:
        now = means.clock.now()
        flow = _to_prove(bind(session, locked_link(session, link, now), browser))
        still_allowed(session, flow)
        if flow.codes_sent >= MOST_CODES:
            raise TooManyCodesError
        number = flow.codes_sent + 1
        # With the link in it, the few digits cannot be found from the hash alone.
        flows.move(session, flow, codes_sent=number, code_hash=hash_of("code", link, code))
        telling.send_code(session, flow, code, number, seal=means.seal, enqueue=means.enqueue, now=now)
        trail.note(session, flow, trail.CODE_SENT, now, number=number)

    await means.desk.write(work)
    means.checkpoint("flow.code_sent")


async def prove_code(means: Means, link: Secret, browser: Secret, text: str) -> None:
    """Take the code that was typed; WrongCodeError counts, and the last one ends the flow."""
    shown = hash_of("code", link, typed_code(text))

    def work(session: Session) -> int | None:
        now = means.clock.now()
        flow = _to_prove(in_browser(locked_link(session, link, now), browser))
        still_allowed(session, flow)
        if same(flow.code_hash, shown):
            flows.move(session, flow, state=FlowState.PROVEN, code_hash=None, signin_hash=None, nonce_hash=None)
            trail.note(session, flow, trail.PROVEN, now, by_code=True)
            return None
        # Counted in a transaction that commits: an error raised in here would take the count back.
        left = MOST_TRIES - flow.code_tries - 1
        flows.move(session, flow, code_tries=flow.code_tries + 1)
        trail.note(session, flow, trail.WRONG_CODE, now, left=left)
        if left <= 0:
            words = reasons.said(reasons.TOO_MANY_TRIES, "")
            flows.fail(session, flow, FlowState.FAILED, now, reasons.TOO_MANY_TRIES, said=words)
            trail.note(session, flow, trail.FAILED, now, reason=reasons.TOO_MANY_TRIES)
        return left

    left = await means.desk.write(work)
    if left is not None:
        raise WrongCodeError(left)
    means.checkpoint("flow.proven")


async def begin_sign_in(means: Means, link: Secret, browser: Secret) -> str:
    """Bind the flow to this browser and return Slack's page; the state of an earlier try is none any more."""
    state, nonce = new_mark(), new_mark()

    def work(session: Session) -> Flow:
        flow = _to_prove(bind(session, locked_link(session, link, means.clock.now()), browser))
        still_allowed(session, flow)
        flows.move(session, flow, signin_hash=hash_of("signin", state), nonce_hash=hash_of("nonce", nonce))
        return flow

    if not means.slack.complete:
        raise FlowRefusedError(reasons.SIGN_IN_FAILED, reasons.said(reasons.SIGN_IN_FAILED, ""))
    flow = await means.desk.write(work)
    means.checkpoint("flow.signin_sent")
    return sign_in_address(
        means.slack,
        redirect_uri=means.redirect_uri("slack"),
        state=state,
        nonce=nonce,
        team_id=flow.identity.team_id,
    )


async def end_sign_in(means: Means, query: Pairs, browser: Secret) -> Secret:
    """Ask Slack who came back; return a new link token, since the one before cannot be told from its hash."""
    state, code = _single(query, "state"), _single(query, "code")
    if state is None:
        raise FlowGoneError
    shown = hash_of("signin", state)
    flow = await means.desk.write(lambda session: _claimed(session, means, shown, browser))
    means.checkpoint("flow.signin_claimed")
    if code is None or any(name == "error" for name, _ in query):
        raise FlowRefusedError(reasons.SIGN_IN_FAILED, reasons.said(reasons.SIGN_IN_FAILED, ""))
    try:
        person = await signed_in(means.slack, code, redirect_uri=means.redirect_uri("slack"))
    except ConnectorError as error:
        raise FlowRefusedError(error.code, reasons.said(reasons.SIGN_IN_FAILED, "")) from error
    means.checkpoint("flow.signin_exchanged")
    if not _is_asked(person, flow):
        await means.desk.write(lambda session: _note_stranger(session, means, flow))
        raise FlowRefusedError(reasons.OTHER_PERSON, reasons.said(reasons.OTHER_PERSON, ""))
    await admitted(means, flow)
    mark = new_mark()
    await means.desk.write(lambda session: _proven(session, means, flow.id, browser, mark))
    means.checkpoint("flow.proven")
    return mark


def _to_prove(flow: Flow) -> Flow:
    if flow.state is not FlowState.LINKED:
        raise FlowGoneError
    return flow


def _claimed(session: Session, means: Means, shown: str, browser: Secret) -> Flow:
    found = flows.by_signin(session, shown)
    if found is None:
        raise FlowGoneError
    flow = in_browser(_to_prove(locked(session, found.id)), browser)
    now = means.clock.now()
    if now >= flow.created_at + LINK_LIVES or not flows.claim_signin(session, flow, shown):
        raise FlowGoneError
    return flow


def _is_asked(person: SignedIn, flow: Flow) -> bool:
    right = SlackIdentity(person.team_id, person.user_id) == flow.identity
    return right and same(flow.nonce_hash, hash_of("nonce", person.nonce))


def _note_stranger(session: Session, means: Means, flow: Flow) -> None:
    locked(session, flow.id)
    trail.note(session, flow, trail.OTHER_PERSON, means.clock.now())


def _proven(session: Session, means: Means, flow_id: str, browser: Secret, mark: Secret) -> None:
    now = means.clock.now()
    flow = in_browser(_to_prove(locked(session, flow_id)), browser)
    if now >= flow.created_at + LINK_LIVES:
        raise FlowGoneError
    still_allowed(session, flow)
    flows.move(session, flow, state=FlowState.PROVEN, link_hash=hash_of("link", mark), code_hash=None)
    trail.note(session, flow, trail.PROVEN, now, by_code=False)


def _single(query: Pairs, name: str) -> Secret | None:
    values = [value for key, value in query if key == name]
    return Secret(values[0]) if len(values) == 1 and values[0] else None
