"""A private key is opened only when that takes moments: it says itself how much work it is."""

import base64
import time
from dataclasses import replace
from functools import partial
from typing import Any

import asyncssh
import pytest
from asyncssh.asn1 import der_decode, der_encode

from connectors.errors import Broken
from connectors.pocketadvantage.transfer import sftp
from connectors.pocketadvantage.transfer.keys import MOST_BCRYPT, MOST_ROUNDS, check_key
from connectors.pocketadvantage.transfer.places import Place, Transfer
from storage.facts.secret import Secret

KEY = asyncssh.generate_private_key("ssh-ed25519")
PHRASE = "Omega"


def stretched(rounds: int) -> str:
    """Return a key whose passphrase is stretched so often."""
    whole: Any = der_decode(KEY.export_private_key("pkcs8-der", passphrase=PHRASE))
    (kind, ((how, (salt, _, *more)), cipher)), secret = whole
    made = der_encode(((kind, ((how, (salt, rounds, *more)), cipher)), secret))
    body = base64.encodebytes(made).decode()
    return f"-----BEGIN ENCRYPTED PRIVATE KEY-----\n{body}-----END ENCRYPTED PRIVATE KEY-----\n"


def place(text: str) -> Place:
    return Place(Transfer.SFTP, "AC-100", host="files.example", account="a", private_key=Secret(text),
                 passphrase=Secret(PHRASE))  # fmt: skip


def test_usual_keys_are_opened() -> None:
    plain = [KEY.export_private_key(form).decode() for form in ("openssh", "pkcs8-pem")]
    for text in (*plain, stretched(2048).replace("\n", "\r\n"), f"\n{plain[0]}\n"):
        check_key(text)


RSA = asyncssh.generate_private_key("ssh-rsa", key_size=1024)
EC = asyncssh.generate_private_key("ecdsa-sha2-nistp256")
SEALED = {
    "pkcs8": KEY.export_private_key("pkcs8-pem", passphrase=PHRASE),
    "openssh": KEY.export_private_key("openssh", passphrase=PHRASE, rounds=16, ignore_few_rounds=True),
    "traditional": RSA.export_private_key("pkcs1-pem", passphrase=PHRASE),
    "traditional, of a curve": EC.export_private_key("pkcs1-pem", passphrase=PHRASE),
}


@pytest.mark.parametrize("form", SEALED)
def test_a_key_with_a_passphrase_is_opened_in_every_usual_form(form: str) -> None:
    text = SEALED[form].decode()
    assert sftp._login(place(text))["client_keys"]
    for wrong in ("omega", ""):
        with pytest.raises(Broken, match="cannot be read") as told:
            sftp._login(replace(place(text), passphrase=Secret(wrong)))
        assert PHRASE not in str(told.value)


@pytest.mark.parametrize("loses", [False, True])
@pytest.mark.parametrize("rounds", [MOST_BCRYPT + 1, 2**32 - 1])
def test_a_key_of_openssh_that_takes_long_is_not_opened(
    rounds: int,
    loses: bool,  # noqa: FBT001 - what the twin does
) -> None:
    whole = base64.b64decode("".join(SEALED["openssh"].decode().splitlines()[1:-1]))
    # The number stands behind the name of the way, the length of what is said of it, and the salt with its length.
    at = whole.index(b"bcrypt") + len(b"bcrypt") + 4 + 4 + 16
    assert int.from_bytes(whole[at : at + 4]) == 16
    made = base64.b64encode(whole[:at] + rounds.to_bytes(4) + whole[at + 4 :]).decode()
    text = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{made}\n-----END OPENSSH PRIVATE KEY-----\n"
    if loses:
        check_key(text, most_bcrypt=2**32)
        return
    with pytest.raises(Broken, match="take too long"):
        check_key(text)


@pytest.mark.parametrize("loses", [False, True])
@pytest.mark.parametrize("rounds", [MOST_ROUNDS + 1, 2**62])
def test_a_key_that_takes_long_is_not_opened(
    rounds: int,
    loses: bool,  # noqa: FBT001 - what the twin does
) -> None:
    opened: list[str] = []

    def opens(text: str, _phrase: str | None) -> asyncssh.SSHKey:
        # What opens keys would be at it for days.
        opened.append(text)
        raise asyncssh.KeyImportError("it would be at it still")

    login = partial(sftp._login, checks=partial(check_key, most_rounds=2**63)) if loses else sftp._login
    with pytest.raises(Broken) as told:
        login(place(stretched(rounds)), opens=opens)
    assert bool(opened) == loses
    assert ("take too long" in str(told.value)) != loses


SPOILT = stretched(2048)
STRETCHED = base64.b64encode(
    b"openssh-key-v1\0" + bytes((0, 0, 0, 10)) + b"aes256-ctr" + bytes((0, 0, 0, 6)) + b"bcrypt"
).decode()


@pytest.mark.parametrize(
    "text",
    ["", "none", SPOILT * 2, SPOILT.replace("ENCRYPTED ", "", 1), SPOILT[:200], SPOILT.replace("M", "!", 1),
     "x" * 9_000, f"-----BEGIN OPENSSH PRIVATE KEY-----\n{STRETCHED}\n-----END OPENSSH PRIVATE KEY-----", KEY.export_private_key("openssh").decode() + SPOILT, "0\x82" + SPOILT,
     f"-----BEGIN ENCRYPTED PRIVATE KEY-----\n{base64.b64encode(b'0' * 3000).decode()}\n-----END ENCRYPTED PRIVATE KEY-----",
     f"-----BEGIN ENCRYPTED PRIVATE KEY-----\n{base64.b64encode(bytes((0x30, 0x84, 0, 0, 0, 1))).decode()}\n-----END ENCRYPTED PRIVATE KEY-----",
     "-----BEGIN ENCRYPTED PRIVATE KEY-----\n-----END ENCRYPTED PRIVATE KEY-----",
     "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----"],
)  # fmt: skip
def test_what_is_no_single_key_is_not_opened(text: str) -> None:
    began = time.thread_time()
    with pytest.raises(ValueError):
        check_key(text)
    assert time.thread_time() - began < 1
