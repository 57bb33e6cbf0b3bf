"""What a customer's files look like, declared per feed: nothing about them is guessed.

The declaration is kept with the grant, sealed: it says which folder is read. Its format is JSON, see
docs/sources/netsuite.md.
"""

import re
from datetime import tzinfo
from fnmatch import translate
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from connectors.errors import Broken
from connectors.files.forms import Dates, Decimal, Delimiter, Encoding, Thousands
from connectors.mailed.bearer import CLIENT, TENANT, SignIn
from connectors.mailed.imap import FOLDER, KNOWN, SERVER, USER
from connectors.mailed.senders import ADDRESS, Rules
from storage.facts.secret import Secret

FEED_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}", re.ASCII)
_MOST_FEEDS = 50
_LONGEST = 200

Into = Literal["transaction_lines", "rows"]


class Feed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One saved search that comes as files again and again."""

    name: str
    #: which files are its, below the source's folder: ``gl/*.csv.gz``; ``*`` stands for any text, slashes too
    pattern: str
    #: the subject of mails that bring its files, where that tells more than the file's name; ``*`` as in the pattern
    subject: str = ""
    #: labels of the columns that make a row's key, unique within a file
    key: tuple[str, ...]
    dates: Dates
    into: Into = "rows"
    #: our column -> label in the file's header
    columns: dict[str, str] = {}
    #: the key alone names a transaction: its lines are numbered as they stand in the file
    numbered: bool = False
    encoding: Encoding = "utf-8"
    delimiter: Delimiter = ","
    decimal: Decimal = "."
    thousands: Thousands = ""
    #: what a file says about rows that are not in it: nothing, or that they are gone (all, or those of its periods)
    replaces: Literal["nothing", "all", "period"] = "nothing"
    #: label of the column that names a row's period
    period: str = ""
    #: where the time of a file's data is told: in its name, or by nothing but the time of its last change
    stamp: Literal["name", "modified"] = "name"
    #: zone of a name that tells a date only
    zone: str = "UTC"
    #: a source may be fresh before this feed has delivered for the first time
    optional: bool = False
    #: lines above the header
    skip: int = 0
    #: first cell of the line that ends the rows: ``Overall Total``
    ends_at: str = ""
    #: a file counts only once ``<file>.done`` lies beside it
    done: bool = False

    @property
    def timezone(self) -> tzinfo:
        """The zone of dates in names."""
        return ZoneInfo(self.zone)

    @property
    def declaration(self) -> str:
        """One text for all that decides what rows come of its files."""
        said = msgspec.to_builtins(self)
        if not self.subject:
            # What came later stands in it only where it is used: who does without is not read anew.
            del said["subject"]
        return msgspec.json.encode(said, order="sorted").decode()

    def matcher(self) -> re.Pattern[str]:
        """Return what its paths match, whole."""
        return re.compile(translate(self.pattern))

    def subject_matcher(self) -> re.Pattern[str]:
        """Return what the subjects of its mails match, whole."""
        return re.compile(translate(self.subject or "*"))


class Grant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the files lie, with which key, and what they are."""

    feeds: tuple[Feed, ...]
    store: Literal["folder", "s3", "gcs", "imap"] = "folder"
    #: what lies there are mails that bring the files, and these are the ones that count
    mail: Rules | None = None
    #: below the organization's own folder, or in the bucket
    prefix: str = ""
    bucket: str = ""
    #: one of the operator's list; empty: the cloud's own. Of a mailbox its server, with or without a port
    endpoint: str = ""
    #: of a mailbox: whose it is, and which folder of it
    user: str = ""
    folder: str = "INBOX"
    #: how its user is proven: by `secret` as a password, or by a token that an app is given for `secret`
    sign_in: SignIn = "password"
    #: of Microsoft 365
    tenant: str = ""
    client_id: str = ""
    #: of Gmail
    refresh: Secret = Secret("")
    region: str = ""
    key_id: str = ""
    secret: Secret = Secret("")
    #: Google's key file, as text
    service_account: Secret = Secret("")
    company: str = ""


def read_grant(sealed: Secret) -> Grant:
    """Return the declaration; Broken says what is wrong with it, and never what stands in it."""
    try:
        grant = msgspec.json.decode(sealed.reveal(), type=Grant, dec_hook=_hidden)
    except msgspec.ValidationError as error:
        raise _wrong(_safe(str(error))) from None
    except msgspec.MsgspecError:
        raise _wrong("it is no JSON") from None
    if not 1 <= len(grant.feeds) <= _MOST_FEEDS:
        raise _wrong(f"it must name 1 to {_MOST_FEEDS} feeds")
    if len({feed.name for feed in grant.feeds}) < len(grant.feeds):
        raise _wrong("two feeds have the same name")
    if grant.prefix and not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)*", grant.prefix):
        raise _wrong("its prefix is no plain path")
    _check_mail(grant)
    for feed in grant.feeds:
        _check(feed)
    return grant


def _check_mailbox(grant: Grant) -> None:
    if not (SERVER.fullmatch(grant.endpoint) and USER.fullmatch(grant.user) and FOLDER.fullmatch(grant.folder)):
        raise _wrong("a mailbox needs its server, its user and its folder, in plain characters")
    if grant.sign_in == "password":
        return
    if not CLIENT.fullmatch(grant.client_id):
        raise _wrong("signing in by a token needs the id of the app")
    if grant.sign_in == "microsoft" and not TENANT.fullmatch(grant.tenant):
        raise _wrong("signing in at Microsoft needs the tenant")
    if grant.sign_in == "google" and not grant.refresh.reveal():
        raise _wrong("signing in at Google needs a refresh token")
    if KNOWN.get(grant.endpoint, grant.sign_in) != grant.sign_in:
        raise _wrong("signing in by a token is for the servers of whoever gives it")


def _check_mail(grant: Grant) -> None:
    rules = grant.mail
    if grant.store == "imap":
        _check_mailbox(grant)
    if rules is None:
        if grant.store == "imap" or any(feed.subject for feed in grant.feeds):
            raise _wrong("mails need their rules: the receiving server and the senders")
        return
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,253}", rules.receiver):
        raise _wrong("the receiving server is no plain name")
    if not 1 <= len(rules.senders) <= _MOST_FEEDS or not all(map(ADDRESS.fullmatch, rules.senders)):
        raise _wrong(f"it must name 1 to {_MOST_FEEDS} senders, by their whole addresses")
    if any(len(feed.subject) > _LONGEST or feed.subject.count("*") > 5 for feed in grant.feeds):
        raise _wrong("a feed's subject is too long")
    if any(feed.stamp != "name" for feed in grant.feeds):
        raise _wrong("a mail's own date tells of when its files are: stamp is not for mails")


def _hidden(kind: type, said: object) -> object:
    if kind is Secret and isinstance(said, str):
        return Secret(said)
    raise TypeError("text is wanted")


def _check(feed: Feed) -> None:
    if not FEED_NAME.fullmatch(feed.name):
        raise _wrong("a feed's name must be lower-case letters, digits and _")
    here = f"feed {feed.name}"
    if not 0 < len(feed.pattern) <= _LONGEST or feed.pattern.count("*") > 5:
        raise _wrong(f"{here}: its pattern is empty or too long")
    if not feed.key:
        raise _wrong(f"{here}: it needs a key")
    if feed.numbered and feed.replaces == "nothing":
        raise _wrong(f"{here}: numbered lines need replaces all or period, or lines that went away would stay")
    if (feed.replaces == "period") != bool(feed.period):
        raise _wrong(f"{here}: a period column belongs to replaces period, and to it alone")
    if feed.thousands == feed.decimal:
        raise _wrong(f"{here}: one sign cannot divide both thousands and decimals")
    if not 0 <= feed.skip <= 100:
        raise _wrong(f"{here}: at most 100 lines can be skipped")
    try:
        _ = feed.timezone
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise _wrong(f"{here}: its zone is not in the IANA list") from None


def _safe(text: str) -> str:
    return re.sub(r"[^\w `.,:$\[\]-]", "", text)[:200]


def _wrong(what: str) -> Broken:
    return Broken(f"the declaration of this source's feeds cannot be used: {what}", code="feeds_malformed")
