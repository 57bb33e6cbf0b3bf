"""Where messages to customers' own addresses may go (T83, T84), and that a name is judged by what is connected to."""

import contextlib
import itertools
import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver

from connectors.errors import Broken
from connectors.outgoing.judging import RefusedAddressError, is_public
from connectors.outgoing.posting import Poster, checked, judged_connector

INSIDE = (
    *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
    *("192.0.0.8", "198.18.0.1", "224.0.0.1", "255.255.255.255", "168.63.129.16", "100.100.100.200", "203.0.113.9"),
    *("::1", "::", "::7f00:1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1"),
    *("2002:7f00:1::", "2002:a00:1::", "2001:0:4136:e378:8000:63bf:3fff:fdd2"),
)
OUTSIDE = ("8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::")
#: forms in which the system's own look-up still finds this machine
DISGUISED = ("127.1", "0x7f.1", "2130706433", "017700000001", "0x7f000001")


@pytest.mark.parametrize("address", INSIDE)
def test_addresses_inside_are_refused(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", OUTSIDE)
def test_addresses_of_everybody_are_taken(address):
    assert is_public(address)


def test_the_library_alone_would_let_some_of_them_through():
    """A twin that asks only whether the address is a loopback or private one."""
    import ipaddress

    let_through = [
        one for one in INSIDE if not (found := ipaddress.ip_address(one.partition("%")[0])).is_loopback
        and not found.is_private and not found.is_link_local
    ]  # fmt: skip
    assert {"64:ff9b::7f00:1", "100.64.0.1"} <= set(let_through)


@pytest.mark.parametrize(
    "address",
    [
        *("http://hooks.example.com/", "https://hooks.example.com:22/", "https://hooks.example.com:5432/x"),
        *("ftp://hooks.example.com/", "https://user:pw@hooks.example.com/", "https://hooks.example.com/#x", "", "x"),
        *("https://", "https://" + "a" * 2000, "file:///etc/passwd", "https://１２７.0.0.1/", "//hooks.example.com"),
        *(f"https://[{one.partition('%')[0]}]/" if ":" in one else f"https://{one}/" for one in INSIDE),
        *(f"https://{one}/" for one in DISGUISED),
        *("http://127.0.0.1/", "https://localhost.:99999/", "https://localhost/", "https://metadata.google.internal./"),
    ],
)  # fmt: skip
def test_what_is_no_public_https_address_is_refused_when_it_is_entered(address):
    with pytest.raises(Broken):
        checked(address)


def test_public_addresses_and_for_trials_this_machine_can_be_entered():
    assert checked("https://hooks.example.com/tidings?team=1") == "https://hooks.example.com/tidings?team=1"
    assert checked("https://hooks.example.com:8443/x")
    assert checked("http://127.0.0.1:8123/x", here=True)
    with pytest.raises(Broken):
        checked("http://10.0.0.1:8123/x", here=True)


async def test_a_name_that_leads_to_this_machine_is_refused_whatever_it_was_when_it_was_entered():
    async def lookup(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    posted = await Poster(seconds=5, lookup=lookup).post("https://localtest.example.com/", b"{}", {})
    assert (posted.status, posted.trouble) == (None, "its name leads into a private network")


@pytest.mark.parametrize("name", DISGUISED)
async def test_disguised_forms_of_this_machine_reach_nobody(name):
    async def lookup(host: str, _port: int) -> list[str]:
        # As the system reads such names, without asking any name server.
        return [socket.inet_ntoa(socket.inet_aton(host))]

    posted = await Poster(seconds=5, lookup=lookup).post(f"https://{name}/", b"{}", {})
    assert (posted.status, bool(posted.trouble)) == (None, True)
    connector = judged_connector(lookup, here=False)
    address = f"https://{name}/"
    with pytest.raises((aiohttp.InvalidURL, RefusedAddressError)):
        async with aiohttp.ClientSession(connector=connector) as client, client.post(address):
            pass


async def test_one_address_inside_among_many_is_enough_to_refuse():
    async def lookup(_host: str, _port: int) -> list[str]:
        return ["8.8.8.8", "2606:4700:4700::1111", "192.168.1.1"]

    posted = await Poster(seconds=5, lookup=lookup).post("https://hooks.example.com/", b"{}", {})
    assert posted.trouble == "its name leads into a private network"


@contextlib.asynccontextmanager
async def listening(handler) -> AsyncIterator[int]:
    app = web.Application()
    app.router.add_post("/{path:.*}", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert runner.addresses
    yield runner.addresses[0][1]
    await runner.cleanup()


class Alternating:
    """A name server of an attacker: allowed at the first look, somewhere else at the next."""

    def __init__(self, *answers: str) -> None:
        self.asked = 0
        self._answers = itertools.cycle(answers)

    async def __call__(self, _host: str, _port: int) -> list[str]:
        self.asked += 1
        return [next(self._answers)]


class JudgesThenLooksAgain(AbstractResolver):
    """A twin: it judges one look and lets the connection be made by another."""

    def __init__(self, lookup: Alternating, allowed: str) -> None:
        self._lookup, self._allowed = lookup, allowed

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET):
        if (await self._lookup(host, port)) != [self._allowed]:
            raise RefusedAddressError
        (found,) = await self._lookup(host, port)
        return [{"hostname": host, "host": found, "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}]

    async def close(self) -> None:
        pass


async def _reached(connector: aiohttp.TCPConnector, port: int) -> str:
    address = f"http://hooks.example.com:{port}/x"
    async with aiohttp.ClientSession(connector=connector) as client, client.post(address, data=b"{}") as response:
        return await response.text()


async def test_the_connection_is_made_to_what_was_judged():
    """Both addresses are this machine's: the server is at the one of the first look only."""

    async def host(request: web.Request) -> web.Response:
        return web.Response(text=request.host)

    async with listening(host) as port:
        names = Alternating("127.0.0.1", "127.0.0.2")
        assert await _reached(judged_connector(names, here=True), port) == f"hooks.example.com:{port}"
        assert names.asked == 1
        twin = aiohttp.TCPConnector(
            resolver=JudgesThenLooksAgain(Alternating("127.0.0.1", "127.0.0.2"), "127.0.0.1"), use_dns_cache=False
        )
        with pytest.raises(aiohttp.ClientConnectorError):
            await _reached(twin, port)


async def test_answers_are_read_as_they_are_and_no_further():
    async def answer(request: web.Request) -> web.Response:
        kind = request.path.removeprefix("/")
        if kind == "moved":
            return web.Response(status=302, headers={"location": "http://127.0.0.1:1/inside"})
        if kind == "busy":
            return web.Response(status=429, headers={"retry-after": "120"})
        return web.Response(status=204)

    async with listening(answer) as port:
        poster = Poster(here=True, seconds=5)
        taken = await poster.post(f"http://127.0.0.1:{port}/taken", b"{}", {"webhook-id": "msg_1"})
        assert (taken.status, taken.accepted) == (204, True)
        moved = await poster.post(f"http://127.0.0.1:{port}/moved", b"{}", {})
        assert (moved.status, moved.accepted) == (302, False)
        busy = await poster.post(f"http://127.0.0.1:{port}/busy", b"{}", {})
        assert (busy.status, busy.after) == (429, 120.0)
    nobody = await poster.post(f"http://127.0.0.1:{port}/taken", b"{}", {})
    assert (nobody.status, nobody.trouble) == (None, "nobody answers there")
