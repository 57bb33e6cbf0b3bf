"""Cut off at any command and any byte: the next attempt ends well, and a reader never finds half a file."""

import os
import random

import pytest

from tests.connectors.pocketadvantage.transfer import twins
from tests.connectors.pocketadvantage.transfer.judging import MID, NEW, OLD, complaints, through_the_script
from tests.connectors.pocketadvantage.transfer.stage import KINDS, SERVED, Stage, staged

SOAK = bool(os.environ.get("SOAK"))
#: of the bytes and commands of a conversation, per way; the folder's few calls are all cut
SAMPLES = {"local": None, "ftp": 500, "ftps": 500, "ftps_implicit": 500, "sftp": 500} if SOAK else {
    "local": None, "ftp": 56, "ftps": 9, "ftps_implicit": 7, "sftp": 28}  # fmt: skip


async def conversation(stage: Stage) -> tuple[int, int, int]:
    """Commands, and bytes of files up and down, of one attempt that nothing disturbs."""
    stage.put(OLD)
    stage.faults.begin()
    await through_the_script(stage, OLD + b"1\r\n")
    said = len(stage.faults.said)
    up, down = stage.faults.transferred
    assert stage.place.organization or (up > len(OLD) and down > len(OLD))
    return said, up, down


def cuts(said: int, up: int, down: int, count: int | None, seed: str) -> list[dict[str, object]]:
    """Every command once, before or after its effect, then both, then bytes; so many, or all commands."""
    chance = random.Random(seed)
    whens = ["before", "after"]
    commands: list[dict[str, object]] = [
        {"cut_at": at, "cut_when": whens[(at + turn) % 2]} for turn in (0, 1) for at in range(1, said + 1)
    ]
    if count is None:
        return commands
    some = commands if count > 2 * len(commands) else chance.sample(commands[:said], min(said, count * 3 // 5))
    while len(some) < count:
        some.append({"cut_upload": chance.randrange(up)} if len(some) % 2 else {"cut_download": chance.randrange(down)})
    return some


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", KINDS)
async def test_cut_off_anywhere_the_next_attempt_ends_well_and_nobody_reads_half(kind, tmp_path):
    with staged(kind, tmp_path) as stage:
        stage.can_replace = True
        size = await conversation(stage)
        wrong = {}
        for number, cut in enumerate(cuts(*size, SAMPLES[kind], kind)):
            # Now and then it is not known yet whether the server replaces.
            stage.can_replace = None if number % 7 == 0 and kind != "local" else True
            if found := await complaints(stage, again=(MID, NEW)[number % 2], **cut):
                wrong[str(cut)] = found
        assert wrong == {}


@pytest.mark.parametrize("kind", SERVED)
async def test_what_the_server_did_not_keep_is_noticed_though_it_says_that_all_is_well(kind, tmp_path):
    with staged(kind, tmp_path) as stage:
        stage.can_replace = True
        assert await complaints(stage, keep_only=700) == []


@pytest.mark.parametrize(
    "twin, fault",
    [
        (twins.straight, {"cut_upload": 900}),
        (twins.believing, {"keep_only": 700}),
        (twins.appending, {"cut_upload": 900}),
        (twins.forgetful, {"cut_upload": 900}),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
async def test_a_twin_that_loses_something_is_caught(twin, fault, tmp_path):
    with staged("ftp", tmp_path) as stage:
        stage.can_replace = True
        assert await complaints(stage, publishing=twin, **fault) != []


async def test_every_command_of_a_conversation_is_known(tmp_path):
    """What is cut at is what is said: with TLS nothing before it, passive connections, whole bytes."""
    with staged("ftps", tmp_path) as stage:
        stage.can_replace = True
        await conversation(stage)
        assert stage.faults.said[:5] == ["AUTH", "PBSZ", "PROT", "USER", "PASS"]
        assert set(stage.faults.said[5:]) == {
            *("TYPE", "EPSV", "MLSD", "LIST", "RETR", "STOR", "MKD", "RNFR", "RNTO", "QUIT"),
        }  # fmt: skip
