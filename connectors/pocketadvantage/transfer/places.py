"""Where files are handed over, and every rule for the names that lead there.

Host, folder and account are typed in by people, and what a server lists is said by a server: all of it is hostile
input. A name that passes here holds no control character, no line end (which would be another FTP command), no way up,
no leading dash (which some servers read as an option) and nothing that is not ASCII.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum

from connectors.errors import Broken
from storage.facts.secret import Secret

CUST_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
#: one folder or file: begins and ends with a letter, a digit or an underline
_PART = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_. +-]{0,198}[A-Za-z0-9_])?", re.ASCII)
#: as people name it, and in its plain form an IPv4 or IPv6 address
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.:-]{0,251}[A-Za-z0-9])?|::1", re.ASCII)
#: signs that no command and no log can be broken with
_ACCOUNT = re.compile(r"[A-Za-z0-9_.@+\\-]{1,128}", re.ASCII)
_ORGANIZATION = re.compile(r"[A-Za-z0-9_-]{1,80}", re.ASCII)
_DEEPEST = 12
#: below them lie services of the machine itself, but for the three that are meant
_FIRST_FREE, _LAST_PORT = 1024, 65535


class Transfer(StrEnum):
    """How files travel."""

    #: a folder of this machine: nothing travels
    LOCAL = "local"
    #: in clear, password and all: only where an admin said so for this connection
    FTP = "ftp"
    #: FTP that is made private before anything is said (AUTH TLS)
    FTPS = "ftps"
    #: TLS from the first byte on
    FTPS_IMPLICIT = "ftps_implicit"
    SFTP = "sftp"


USUAL_PORTS = {Transfer.LOCAL: 0, Transfer.FTP: 21, Transfer.FTPS: 21, Transfer.FTPS_IMPLICIT: 990, Transfer.SFTP: 22}


@dataclass(frozen=True, slots=True)
class Place:
    """One account at one host, and the folder in which files are handed over; Broken when something in it cannot be."""

    protocol: Transfer
    cust_id: str
    #: whose files they are; local ones lie in a folder of that name
    organization: str = ""
    host: str = ""
    #: 0: the usual one
    port: int = 0
    account: str = ""
    password: Secret = field(default_factory=lambda: Secret(""))
    #: as OpenSSH writes it; SFTP takes it instead of a password
    private_key: Secret = field(default_factory=lambda: Secret(""))
    #: of the private key
    passphrase: Secret = field(default_factory=lambda: Secret(""))
    #: folder above `latest<cust_id>`; empty: where the login begins. A leading slash begins at the top of the server
    root: str = ""
    #: confirmed by an admin: "ssh-ed25519 AAAA…", one a line; SFTP goes nowhere without
    host_key: str = ""
    #: certificates (PEM) of the authority that signs this server's, where that is none that everybody trusts
    authority: str = ""
    #: an admin accepted that everything, the password too, travels in clear
    plain_ok: bool = False

    def __post_init__(self) -> None:
        if not CUST_ID.fullmatch(self.cust_id):
            raise _malformed("the customer id may hold letters, digits, dashes and underlines, 64 at most")
        checked_path(self.root.removeprefix("/"), empty=True)
        if self.protocol is Transfer.LOCAL:
            if not _ORGANIZATION.fullmatch(self.organization) or self.root.startswith("/"):
                raise _malformed("a folder of this machine belongs to an organization, and lies in its own")
            return
        if not _HOST.fullmatch(self.host) or ".." in self.host:
            raise _malformed("this is no name of a server")
        usual = self.port in {0, *USUAL_PORTS.values()}
        if not usual and not _FIRST_FREE <= self.port <= _LAST_PORT:
            raise _malformed("the port must be 21, 22, 990, or between 1024 and 65535")
        if not _ACCOUNT.fullmatch(self.account):
            raise _malformed("the account may hold letters, digits and . _ @ + - \\, 128 at most")
        if any(not sign.isprintable() for sign in self.password.reveal()):
            raise _malformed("the password holds a sign that cannot be typed")

    @property
    def at(self) -> int:
        """The port."""
        return self.port or USUAL_PORTS[self.protocol]

    @property
    def latest(self) -> str:
        """The folder in which PocketAdvantage finds its files."""
        return f"latest{self.cust_id}"

    @property
    def archive(self) -> str:
        """The folder, outside of that one, in which earlier versions are kept."""
        return f"archive{self.cust_id}"


def is_name(text: str) -> bool:
    """Whether a text is the plain name of a file or folder, and can lead nowhere else."""
    return bool(_PART.fullmatch(text)) and ".." not in text


def checked_path(path: str, *, empty: bool = False) -> str:
    """Return a path of plain names; Broken for any other: it could lead elsewhere, or be a second command."""
    parts = path.split("/") if path or not empty else []
    if len(parts) > _DEEPEST or not all(is_name(part) for part in parts):
        raise Broken("a path that could leave the folder of this connection was refused", code="path_refused")
    return path


def _malformed(why: str) -> Broken:
    return Broken(f"this connection cannot be used: {why}", code="place_malformed")
