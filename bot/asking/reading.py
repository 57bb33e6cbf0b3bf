"""From a sentence to its questions: the same words, asked at the same time, always mean the same."""

from dataclasses import dataclass, field, replace

from rapidfuzz import process
from rapidfuzz.distance import OSA

from bot.asking import drafts
from bot.asking.clauses import Clause, clauses, foreign
from bot.asking.drafts import Named, named_in
from bot.asking.facts import WITHOUT_SOURCES, Asked, Intent, Understood, World
from bot.asking.folding import MOST, folded
from bot.asking.language import Language, language
from bot.asking.marking import marked
from bot.asking.marks import Marks, unmarked
from storage.facts.sources import Provider

#: a follow-up of at most so many words keeps the time and the person of the same question before it
_SHORT = 4
#: in words of other matters, at most so many before nothing is understood
_MOST_FOREIGN = 2
_MOST_ASKED = 8
_STATES = frozenset({Intent.STATUS, Intent.DISCONNECTED, Intent.IS_RUNNING})


@dataclass(frozen=True, slots=True)
class Before:
    """What the last message of the same person in the same thread was about."""

    asked: Asked
    declined: bool = False


def read(text: str, world: World, before: Before | None = None, known: Language | None = None) -> Understood:
    """Return the questions of a message, in order; there is always one, be it that nothing was understood."""
    words = known or language()
    marks = Marks()
    about_records = before is not None and before.asked.intent is Intent.LANDED
    plain = marked(text, world, words, marks, alone=about_records)
    if not plain.strip():
        empty = not folded(text, {}, world.bot_user, words).strip()
        return Understood((Asked(Intent.HELP if empty else Intent.NOT_UNDERSTOOD, words=text[:MOST]),))
    return _Reader(plain, world, before, words, marks).understood()


@dataclass(slots=True)
class _Reader:
    """Goes through the clauses of one message."""

    plain: str
    world: World
    before: Before | None
    known: Language
    marks: Marks
    items: list[Asked] = field(default_factory=list)
    greeted: bool = False
    declined: bool = False
    #: the last clause told something and asked nothing: "shopify is old."
    told: bool = False
    #: names that wait for the question that they belong to
    pending: Named | None = None
    #: what was spoken of without a question: "don't touch shopify", "I changed a bill in the books"
    topic: Named | None = None

    def understood(self) -> Understood:
        parts = clauses(self.plain, self.known)
        for at, part in enumerate(parts):
            self._clause(part, parts[at + 1] if at + 1 < len(parts) else None)
        if self.pending is not None:
            self._left_over(self.pending)
        self._later_named()
        negative = self.known.negative.search(self.plain) is not None
        refused = self.declined or negative
        if refused:
            self.items = [item for item in self.items if item.intent is not Intent.REFRESH]
        if not self.items:
            only_polite = self.greeted and not refused
            self.items = [
                Asked(Intent.HELP if only_polite else Intent.NOT_UNDERSTOOD, words=self.marks.plain(self.plain))
            ]
        wished = any(item.intent is Intent.REFRESH for item in self.items)
        still = self.before is not None and self.before.declined and not wished
        return Understood(
            tuple(self.items[:_MOST_ASKED]), offers=not refused and not still, declined=self.declined, still=still
        )

    def _later_named(self) -> None:
        """Tell what "it" is where that comes later, as in: why is it late? Refresh shopify."""
        for at, item in enumerate(self.items):
            named = next((later for later in self.items[at + 1 :] if later.source_ids), None)
            if item.unclear and named is not None:
                self.items[at] = replace(drafts.with_sources(item, named), unclear=False)

    def _clause(self, part: Clause, following: Clause | None) -> None:
        text = self._rest(self._people(self.known.purpose.sub("", part.text)))
        named = named_in(text, self.marks)
        kept = self.known.cut.sub("", text).strip()
        if kept and kept != text:
            # "Check the store without starting anything": the rest is asked all the same.
            self.declined = True
            text, named = kept, named_in(kept, self.marks)
        if self.known.declined.search(text) and not self.known.asks_state.search(text):
            self.declined = True
            self.topic = named if named.sources else self.topic
        elif self._last() is not None and self.known.told_anyway.search(text):
            pass
        elif self.known.greeting.search(text):
            self.greeted = True
        elif self.known.elsewhere.search(text):
            self.pending = self.topic = None
        elif (again := self._again(text, named)) is not None:
            self.items.append(again)
        elif (intent := self._short(text) or self._intent(text, named)) is not None:
            self._told_or_asked(intent, text, part, following)
        elif self._only_names(text):
            self._names(text, named, part, following)
        elif named.anything:
            self.topic = named

    def _told_or_asked(self, intent: Intent, text: str, part: Clause, following: Clause | None) -> None:
        if self._told_first(intent, text, following):
            self.topic = named_in(text, self.marks)
        else:
            self._question(intent, text, part)

    def _last(self) -> Asked | None:
        """Return what was asked last, in this message or before it."""
        return self.items[-1] if self.items else self.before.asked if self.before is not None else None

    def _rest(self, text: str) -> str:
        """Mark "the others" as everything but what was asked about last."""
        last = self._last()
        if last is None or not last.source_ids:
            return text
        return self.known.rest.sub(lambda found: self.marks.put("X", last.source_ids, found[0]), text)

    def _again(self, text: str, named: Named) -> Asked | None:
        """Return the last question once more: "and now?"; a wish to refresh is never repeated by that."""
        last = self._last()
        if last is None or last.intent in WITHOUT_SOURCES | {Intent.REFRESH} or not self.known.again.search(text):
            return None
        return drafts.taken_up(last, named, self.marks.plain(text))

    def _short(self, text: str) -> Intent | None:
        """Return what a word or two ask after another question: "when?", "done?"."""
        last = self._last()
        if last is None or last.intent in WITHOUT_SOURCES:
            return None
        return next((intent for intent, pattern in self.known.short if pattern.search(text)), None)

    def _people(self, text: str) -> str:
        """Mark a name that stands where a person is named."""
        for found in self.known.persons.finditer(text):
            name = next((value for value in found.groupdict().values() if value), "")
            if self._strange(name):
                mark = self.marks.put("P", self._member(name), name)
                text = " ".join(mark if word == name else word for word in text.split())
        return text

    def _told_first(self, intent: Intent, text: str, following: Clause | None) -> bool:
        """Whether a clause only tells what the question in the rest of the sentence is about."""
        if following is None or following.hard or intent not in _STATES | {Intent.WHEN_LAST}:
            return False
        told = self.known.statement
        if not told.search(text) or told.search(following.text) or self.known.why_only.search(following.text):
            return False
        return self._intent(following.text, named_in(following.text, self.marks)) is not None

    def _member(self, name: str) -> str:
        """Return the member whose name was misspelt; else the name as it was typed."""
        firsts = {word: full for full in self.world.people.values() for word in full.casefold().split()}
        close = process.extractOne(name, list(firsts), scorer=OSA.distance, score_cutoff=1)
        return firsts[close[0]] if close is not None and len(name) > _SHORT else name

    def _strange(self, word: str) -> bool:
        return len(word) > 2 and word[0].islower() and word.isalpha() and word not in self.known.spelt

    def _intent(self, text: str, named: Named) -> Intent | None:
        for intent, pattern, weak in self.known.intents:
            if pattern.search(text):
                return None if self._other_matter(text, named, intent, weak=weak) else intent
        return self._last_resort(text, named)

    def _last_resort(self, text: str, named: Named) -> Intent | None:
        """Return what is told of a source that was asked about in other words; never that a refresh is wished for."""
        strange = foreign(text, self.known)
        if not named.source_ids or len(strange) > 1 or self.known.outside.search(unmarked(text)):
            return None
        if self._only_names(text) or any(word in self.known.other for word in strange):
            return None
        return next((intent for intent, pattern in self.known.last_intents if pattern.search(text)), None)

    def _other_matter(self, text: str, named: Named, intent: Intent, *, weak: bool) -> bool:
        if intent is Intent.HELP or named.document or named.amount:
            return False
        wishes = intent is not Intent.REFRESH or named.sources or self._unknown(text) or self._wishes(text)
        if not wishes or self.known.outside.search(unmarked(text)):
            return True
        strange = foreign(text, self.known)
        if named.sources or not strange:
            return False
        if any(self._strange(word) for word in strange) and self._unknown(text):
            return False
        if intent is not Intent.LANDED and any(word in self.known.other for word in strange):
            return True
        return weak or intent is Intent.METRICS or len(strange) >= _MOST_FOREIGN

    def _wishes(self, text: str) -> bool:
        """Whether a clause holds no words but those of a wish to refresh: with others it is never taken for one."""
        known = self.known
        words = (word for word in text.split() if word[0].islower())
        return all(word in known.wish or word in known.plain or word in known.filler for word in words)

    def _unknown(self, text: str) -> str | None:
        """Return a name in the place of a source that nobody knows."""
        for found in self.known.subjects.finditer(text):
            name = next((value for value in found.groupdict().values() if value), "")
            if self._strange(name):
                return name
        return None

    def _only_names(self, text: str) -> bool:
        return all(word in self.known.filler or word[0].isupper() for word in text.split())

    def _question(self, intent: Intent, text: str, part: Clause) -> None:
        named = named_in(text, self.marks)
        if intent is Intent.WHO_STARTED and named.person is None and self.known.me.search(text):
            named = replace(named, person=self.world.asker or None)
        words = self.marks.plain(text)
        last = self.items[-1] if self.items else None
        told, self.told = self.told, self.known.statement.search(text) is not None
        states = _STATES | {Intent.WHEN_LAST} if told else _STATES
        why = self.known.why_only.search(text) and (told or not part.hard)
        if last is not None and why and last.intent in states:
            self.items[-1] = replace(last, intent=Intent.WHY_STALE, words=f"{last.words}, {words}")
            return
        if last is not None and last.intent is Intent.LANDED and not part.hard and self._is_it_in(intent, text, named):
            return
        if not named.sources and intent not in WITHOUT_SOURCES:
            strange = self._unknown(text)
            named = replace(named, unknown=(strange,)) if strange else named
        item = self._filled(drafts.asked(intent, named, words), text, named)
        self.pending = None
        if last is not None and last.intent is intent and _same(last, item):
            self.items[-1] = drafts.joined(_merged(last, item), named)
        else:
            self.items.append(item)

    def _is_it_in(self, intent: Intent, text: str, named: Named) -> bool:
        """Whether a clause asks again whether the record before it is there."""
        states = _STATES | {Intent.WHEN_LAST}
        return intent in states and not named.anything and self.known.pronoun.search(text) is not None

    def _filled(self, item: Asked, text: str, named: Named) -> Asked:
        """Add what the message or the thread said before."""
        if item.intent in WITHOUT_SOURCES:
            return item
        pending = self.pending
        if pending is not None:
            item = drafts.joined(item, pending) if named.sources else drafts.with_sources(item, pending)
            item = replace(item, span=item.span or pending.span)
        elif not named.sources:
            item = self._inherited(item, text)
        if item.intent is Intent.METRICS and not named.sources:
            return replace(item, everything=False, source_ids=())
        before = self.before.asked if self.before is not None and not self.items else None
        again = before is not None and before.intent is item.intent and not named.sources
        if before is not None and again and len(text.split()) <= _SHORT:
            item = replace(item, span=item.span or before.span, person=item.person or before.person)
        return item

    def _inherited(self, item: Asked, text: str) -> Asked:
        last = self.items[-1] if self.items else None
        refers = self.known.pronoun.search(text) is not None
        if self.known.general.search(text) and not (self._named_before() and self.known.there.search(text)):
            return replace(item, everything=True)
        if item.intent is Intent.LANDED:
            return self._landed(item)
        if self.topic is not None and self.topic.sources:
            return drafts.with_sources(item, self.topic)
        if last is not None and last.intent not in WITHOUT_SOURCES and (last.source_ids or last.everything):
            return drafts.with_sources(item, last)
        if self.before is not None and not self.items:
            return self._of_before(item, self.before.asked)
        return replace(item, everything=True, unclear=refers and item.intent is not Intent.REFRESH and self._it(text))

    def _named_before(self) -> bool:
        """Whether a source was named before, here or in the thread."""
        before = self.before.asked if self.before is not None else None
        return any(one is not None and one.source_ids for one in (self.topic, before, *self.items))

    def _of_before(self, item: Asked, before: Asked) -> Asked:
        if before.intent is not Intent.METRICS or before.source_ids:
            return drafts.with_sources(item, before)
        # Metrics are calculated from QuickBooks: what is asked about one of them is asked about its data.
        books = tuple(source.id for source in self.world.sources if source.provider is Provider.QUICKBOOKS)
        return replace(item, source_ids=books, everything=not books)

    def _it(self, text: str) -> bool:
        """Whether the clause has no other subject than a word that points back."""
        return not {"refresh", "data", "sync", "run", "pull"} & set(text.split())

    def _landed(self, item: Asked) -> Asked:
        """A record may be of any source: only what was said of the same record narrows it down."""
        if self.topic is not None and self.topic.sources:
            item = drafts.with_sources(item, self.topic)
            return replace(item, span=item.span or self.topic.span)
        last = self.items[-1] if self.items else None
        if last is not None and last.intent is Intent.LANDED and not (item.document or item.amount):
            return drafts.with_sources(item, last)
        same = self.before is not None and self.before.asked.intent is Intent.LANDED and not self.items
        if self.before is not None and same:
            return drafts.with_sources(item, self.before.asked)
        return replace(item, everything=True)

    def _names(self, text: str, named: Named, part: Clause, following: Clause | None) -> None:
        """Take names alone: for the question before them, for the one after, or for the one before once more."""
        last = self.items[-1] if self.items else None
        if not named.anything:
            return
        if last is not None and part.hard and self.known.takes_up.search(text) and not _parts(following):
            self.items.append(drafts.taken_up(last, named, self.marks.plain(text)))
        elif last is not None and not self._goes_on(following):
            self.items[-1] = drafts.joined(last, named)
        elif self.pending is not None:
            both = tuple(dict.fromkeys((*self.pending.source_ids, *named.source_ids)))
            self.pending = replace(named, source_ids=both, span=named.span or self.pending.span)
        else:
            self.pending = named

    def _goes_on(self, following: Clause | None) -> bool:
        """Whether the next clause is a question about what was just named."""
        if following is None or following.hard:
            return False
        named = named_in(following.text, self.marks)
        asks = self._intent(following.text, named) is not None
        return asks and not named.sources and self.known.pronoun.search(following.text) is not None

    def _left_over(self, named: Named) -> None:
        """Names alone: the question before is asked again about them; without one, how they stand."""
        words = self.marks.plain(self.plain)
        last = self.items[-1] if self.items else None
        if last is not None:
            self.items[-1] = drafts.joined(last, named)
        elif self.before is not None and self.before.asked.intent not in WITHOUT_SOURCES:
            self.items.append(drafts.taken_up(self.before.asked, named, words))
        elif named.document or named.amount:
            self.items.append(replace(drafts.asked(Intent.LANDED, named, words), everything=not named.sources))
        elif named.sources:
            # "and amazon?" takes something up that is not known here: what is asked of it cannot be guessed.
            lost = self.known.takes_up.search(self.plain) is not None
            intent = Intent.NOT_UNDERSTOOD if lost else Intent.STATUS
            self.items.append(replace(drafts.asked(intent, named, words), unclear=lost))


def _parts(following: Clause | None) -> bool:
    return following is not None and not following.hard


def _same(last: Asked, item: Asked) -> bool:
    """Whether two questions of the same kind are one that was said in two parts."""
    sources = last.source_ids == item.source_ids and last.everything == item.everything
    return sources and not any(
        one and other and one != other
        for one, other in (
            (last.span, item.span),
            (last.document, item.document),
            (last.amount, item.amount),
            (last.person, item.person),
            (last.metric, item.metric),
        )
    )


def _merged(last: Asked, item: Asked) -> Asked:
    return replace(
        last,
        span=last.span or item.span,
        document=last.document or item.document,
        amount=last.amount or item.amount,
        person=last.person or item.person,
        metric=last.metric or item.metric,
        words=f"{last.words}, {item.words}",
    )
