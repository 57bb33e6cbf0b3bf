"""What people say: kept with the refresh, or with what an answer was about, and read by admins of their own alone."""

from jobs.authorize import authorize
from jobs.desk import Desk
from jobs.errors import NotFoundError
from storage.bindings import of_feedback
from storage.facts.clock import Clock
from storage.facts.feedback import Feedback, Given, Verdict
from storage.facts.ids import derived_id
from storage.facts.people import Action, Actor
from storage.records import feedback, organizations, refreshes, sources
from storage.seal import Seal, SealError
from storage.sessions import Session

_MOST = 50


class FeedbackService:
    """Keeps verdicts; words are sealed."""

    def __init__(self, desk: Desk, clock: Clock, seal: Seal) -> None:
        self._desk = desk
        self._clock = clock
        self._seal = seal

    async def give(self, actor: Actor, of: str | Given, verdict: Verdict, words: str = "") -> None:
        """Keep what a member says of a refresh or an answer of their organization; the last counts.

        NotFoundError for a refresh, and an answer about sources, of somebody else.
        """
        member = authorize(actor, Action.SEE_STATUS)
        feedback_id = derived_id("fbk", member.id, of.id if isinstance(of, Given) else of)
        sealed = self._seal.close(words, *of_feedback(feedback_id)) if words else None

        def work(session: Session) -> None:
            # As whoever removes the member does: words of somebody who left are not kept behind them.
            organizations.lock(session, member.organization_id)
            known = authorize(
                Actor(actor.identity, organizations.member_by_identity(session, actor.identity)), Action.SEE_STATUS
            )
            if not _is_own(session, known.organization_id, of):
                raise NotFoundError
            now = self._clock.now()
            feedback.keep(session, feedback_id, known.organization_id, known.id, of, verdict, sealed, now)

        await self._desk.write(work)

    async def told(self, actor: Actor, source_id: str | None = None) -> list[Feedback]:
        """Return, for admins, what was said about one source or anything, newest first, at most fifty."""
        member = authorize(actor, Action.SEE_AUDIT)

        def work(session: Session) -> list[Feedback]:
            if source_id is None:
                found = feedback.of_organization(session, member.organization_id, _MOST)
            elif sources.visible(session, member.organization_id, source_id) is not None:
                found = feedback.of_source(session, member.organization_id, source_id, _MOST)
            else:
                raise NotFoundError
            return [
                Feedback(by, Verdict(said), at, self._opened(key, words), kinds)
                for key, by, said, at, words, kinds in found
            ]

        return await self._desk.read(work)

    def _opened(self, feedback_id: str, words: bytes | None) -> str:
        try:
            return self._seal.open(words, *of_feedback(feedback_id)) if words else ""
        except SealError:
            return ""


def _is_own(session: Session, organization_id: str, of: str | Given) -> bool:
    if isinstance(of, str):
        return refreshes.visible(session, organization_id, of) is not None
    own = {source.id for source in sources.sources_of(session, organization_id)}
    return bool(of.id and of.kinds) and own.issuperset(of.source_ids)
