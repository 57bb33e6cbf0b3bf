"""What nobody foresaw is said in words of ours: of a disk that takes nothing as that, and of nobody else's fault."""

import errno
import os
import ssl
from collections.abc import Callable

import pytest

from bot.cli.samples.facts import SHOPIFY, run
from jobs.refresh.outcome import unforeseen
from storage.facts.runs import Failure, FailureKind, Stage
from templates.notices.pieces import because
from templates.words import failure_words


def by_its_name(error: Exception, stage: Stage, reference: str) -> Failure:
    """Twin: whatever it is, people read what the program calls it."""
    return Failure(FailureKind.RETRY, "", type(error).__name__, stage, reference)


def _of_the_system(number: int) -> OSError:
    return OSError(number, os.strerror(number))


@pytest.mark.parametrize(
    "error, said",
    [
        (_of_the_system(errno.EROFS), "Tidings could not write to its own storage"),
        (_of_the_system(errno.ENOSPC), "Tidings could not write to its own storage"),
        (PermissionError(errno.EACCES, "no", "/srv/lake"), "Tidings could not write to its own storage"),
        (_of_the_system(errno.ECONNRESET), "in Tidings itself"),
        (_of_the_system(errno.EPERM), "in Tidings itself"),
        (ssl.SSLError(ssl.SSL_ERROR_SSL, "wrong version number"), "in Tidings itself"),
        (ssl.SSLSyscallError(ssl.SSL_ERROR_SYSCALL, "cut off"), "in Tidings itself"),
        (ZeroDivisionError("7 of Acme"), "in Tidings itself"),
    ],
    ids=["read-only", "full", "no right", "connection", "no right to connect", "tls", "tls cut off", "fault"],
)
@pytest.mark.parametrize("told", [unforeseen, by_its_name])
def test_it_is_said_in_words(error: Exception, said: str, told: Callable[..., Failure]) -> None:
    failure = told(error, Stage.COLLECTING, "ref_1")
    waiting = "".join(str(part) for part in because(run(failed=failure)))
    ended = failure_words(failure, SHOPIFY)
    good = said in waiting and said in ended.what and type(error).__name__ not in waiting + ended.what
    assert good is (told is unforeseen)
    assert "ref_1" in ended.next_step
