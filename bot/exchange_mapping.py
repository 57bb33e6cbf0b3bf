"""The mapping of the exchange in Slack: shown, changed in a form after a look at real rows, brought back, updated."""

import base64
import json
import zlib
from dataclasses import replace

from bot import values
from bot.case import Case
from bot.payloads import MalformedError, parse_json
from bot.reply import Reply
from jobs.errors import NotFoundError, TooLateError, UnavailableError
from jobs.exchange.adapting import MappingRefusedError
from jobs.refresh.ask import TriggerKey
from storage.facts.exchange import Pair
from storage.facts.exchange_mapping import MappingWish, WishKind
from storage.facts.people import Action
from templates import actions
from templates.forms import mapping as forms
from templates.notices import exchange_mapping as words

_KEY = 255
#: what a form may carry; and the longest text that it may turn out to be
_MOST_CARRIED, _MOST_TEXT = 3_000, 12_000
_MOST_ID, _MOST_NUMBER = 100, 9
_TOO_LONG = "This is longer than Slack can carry. Leave out comments, or write several columns on one line."


async def asked(case: Case, pair_id: str) -> Reply:
    """Show the mapping of a pair that was named in words; that of orders is none."""
    one = await case.services.exchange.one(case.actor, pair_id)
    if one.pair.pair is Pair.ORDERS:
        return case.say(words.mapping_of_orders())
    return case.say(words.mapping_card(await case.services.adapting.view(case.actor, pair_id), may=_may(case)))


async def shown(case: Case) -> Reply:
    """Show the mapping of a pair."""
    return await asked(case, case.request.value)


async def versions(case: Case) -> Reply:
    """Show the versions from before."""
    view = await case.services.adapting.view(case.actor, case.request.value)
    return case.say(words.mapping_versions(view, may=_may(case)))


# -- the form ----------------------------------------------------------------------------------------------------------


async def opened(case: Case) -> Reply:
    """Open the form; it is filled behind that."""
    key = f"mapping:{case.request.trigger}"[:_KEY]

    async def filled() -> Reply:
        view = await case.services.adapting.view(case.actor, case.request.value)
        private = _packed(MappingWish(view.pair_id, view.number, WishKind.LAYER))
        form = forms.change_form(view, private) if forms.fits(view.layer) else forms.too_long_form()
        return Reply(form=form, form_key=key, fills=True, zone=case.zone)

    return Reply(form=forms.waiting(actions.MAPPING_FORM), form_key=key, then=filled, zone=case.zone)


async def looked(case: Case) -> Reply:
    """Say what is wrong beside the text; else lay what it would change over the form, looked up behind the ack."""
    wish, _ = _unpacked(case.request.value)
    texts = [case.request.fields.get(name, "") for name in forms.LAYERS]
    text = "\n".join(each for each in texts if each.strip()).replace("\r\n", "\n")
    wish = replace(wish, layer=text if text.strip() else "")
    card = values.new_card()
    packed = _packed(wish, card)
    if len(packed) > _MOST_CARRIED or len(wish.layer) > _MOST_TEXT:
        return _wrong(case, _TOO_LONG)
    try:
        await case.services.adapting.check(case.actor, wish)
    except MappingRefusedError as error:
        return _wrong(case, forms.errors_of(error.problems))
    except TooLateError as error:
        return _wrong(case, forms.errors_of([f"{error}: keep your text, close this, and open it again"]))
    key = f"look:{card}"

    async def previewed() -> Reply:
        try:
            form = forms.look_form(await case.services.adapting.look(case.actor, wish), packed)
        except (MappingRefusedError, TooLateError, UnavailableError) as error:
            form = forms.refused_form(str(error))
        return Reply(form=form, form_key=key, fills=True, over=True, zone=case.zone)

    waits = forms.waiting(actions.MAPPING_SAVE)
    return Reply(form=waits, form_key=key, over=True, then=previewed, zone=case.zone)


async def saved(case: Case) -> Reply:
    """Save what was shown; the form is the key, so that sending it twice saves once."""
    wish, card = _unpacked(case.request.value)
    try:
        done = await case.services.adapting.save(case.actor, wish, _key(case, card))
    except (MappingRefusedError, TooLateError) as error:
        return case.say(words.mapping_refused(str(error)))
    return replace(case.say(words.mapping_saved(done)), last=True)


# -- versions ----------------------------------------------------------------------------------------------------------


async def compared(case: Case) -> Reply:
    """Show what an earlier or newer version would change, behind the ack: the lake is asked."""
    wish = _read(case.request.value.split(" "))

    async def looked() -> Reply:
        try:
            look = await case.services.adapting.look(case.actor, wish)
        except (MappingRefusedError, TooLateError) as error:
            return case.say(words.mapping_refused(str(error)))
        return case.say(words.mapping_look(look, value=f"{values.new_card()} {case.request.value}"))

    return Reply(then=looked, zone=case.zone)


async def taken(case: Case) -> Reply:
    """Bring the version of the card back, or take the newer one; the card is the key."""
    card, *rest = case.request.value.split(" ")
    wish = _read(rest)
    try:
        done = await case.services.adapting.save(case.actor, wish, _key(case, card))
    except (MappingRefusedError, TooLateError) as error:
        return case.say(words.mapping_refused(str(error)), replace=True)
    return case.say(words.mapping_saved(done), replace=True)


def _wrong(case: Case, said: str) -> Reply:
    return Reply(words.mapping_refused(said), errors={forms.LAYERS[0]: said}, zone=case.zone)


def _may(case: Case) -> frozenset[Action]:
    return frozenset(action for action in Action if case.may(action))


def _key(case: Case, card: str) -> TriggerKey:
    if not card or not card.isascii() or len(card) > _MOST_ID:
        raise NotFoundError
    return TriggerKey(case.request.team_id, f"mapping:{card}")


def _read(parts: list[str]) -> MappingWish:
    """Return what a button wants; NotFoundError for what is not of our making."""
    if len(parts) != 4:
        raise NotFoundError
    pair_id, seen, kind, number = parts
    known = {WishKind.VERSION.value, WishKind.PROFILE.value}
    if kind not in known or not all(_whole(each) for each in (seen, number)) or len(pair_id) > _MOST_ID:
        raise NotFoundError
    return MappingWish(pair_id, int(seen), WishKind(kind), number=int(number))


def _whole(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _MOST_NUMBER


def _packed(wish: MappingWish, card: str = "-") -> str:
    """Return a change as a form carries it; its text is made small, since a form carries 3,000 characters."""
    text = base64.urlsafe_b64encode(zlib.compress(wish.layer.encode(), 9)).decode("ascii")
    return json.dumps({"c": card, "p": wish.pair_id, "n": wish.seen, "z": text}, separators=(",", ":"))


def _unpacked(value: str) -> tuple[MappingWish, str]:
    """Return what a form carries; NotFoundError for what is not of our making."""
    try:
        kept = parse_json(value)
        found, seen = [kept.get(name) for name in ("c", "p", "z")], kept.get("n")
        card, pair_id, text = (one if isinstance(one, str) else "" for one in found)
        opened = zlib.decompressobj()
        layer = opened.decompress(base64.b64decode(text, altchars=b"-_", validate=True), _MOST_TEXT * 4).decode()
    except (MalformedError, ValueError, zlib.error):
        raise NotFoundError from None
    if type(seen) is not int or not card or not pair_id or len(pair_id) > _MOST_ID or not opened.eof:
        raise NotFoundError
    return MappingWish(pair_id, seen, WishKind.LAYER, layer), card
