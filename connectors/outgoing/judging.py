"""Which network addresses a request to a customer's own address may reach: public ones, and nothing else.

`ipaddress` alone is not enough. It says that ``64:ff9b::7f00:1``, ``2002:7f00:1::`` and ``192.0.0.8`` are global and
that ``::ffff:127.0.0.1`` is no loopback, in versions that are still in use. So what an address carries inside is taken
out first, and nets that lead nowhere public are listed here.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterator

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: IANA's registries of special purpose addresses (RFC 6890 and what was added since), where they are not reachable by
#: everybody, and the addresses at which clouds serve their machines' secrets
_CLOSED = tuple(
    ipaddress.ip_network(net)
    for net in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        *("168.63.129.16/32", "100.100.100.200/32"),
        *("::/96", "::ffff:0:0:0/96", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16"),
        *("fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"),
    )
)
_NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))

#: A name and a port in, addresses out.
Lookup = Callable[[str, int], Awaitable[list[str]]]


class RefusedAddressError(Exception):
    """The address leads to a place that nothing is sent to; the text says which rule forbids it."""


async def judged(host: str, port: int, lookup: Lookup, *, here: bool) -> list[str]:
    """Resolve a name, once, and return its addresses if all of them are allowed: connect to one of these alone.

    RefusedAddressError when any of them is no public address; `here` allows this machine, for trying things out.
    """
    found = await lookup(host, port)
    if not found:
        raise RefusedAddressError("its name leads nowhere")
    if not all(is_public(one) or (here and ipaddress.ip_address(one).is_loopback) for one in found):
        raise RefusedAddressError("its name leads into a private network")
    return found


async def system_lookup(host: str, port: int) -> list[str]:
    """Ask the system for a name's addresses."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def is_public(address: str) -> bool:
    """Whether everybody may be asked to connect there: no machine of ours, of its network or of its cloud.

    ValueError for text that is no address.
    """
    return all(_open(one) for one in _carried(ipaddress.ip_address(address.partition("%")[0])))


def _carried(address: Address) -> Iterator[Address]:
    """Return the address and every IPv4 address that it stands for on its way."""
    yield address
    if isinstance(address, ipaddress.IPv4Address):
        return
    inner: list[ipaddress.IPv4Address] = []
    if address.ipv4_mapped is not None:
        inner.append(address.ipv4_mapped)
    if address.sixtofour is not None:
        inner.append(address.sixtofour)
    if address.teredo is not None:
        inner.extend(address.teredo)
    if any(address in net for net in _NAT64):
        inner.append(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    yield from inner


def _open(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and (address.ipv4_mapped or address in _NAT64[0]):
        # Judged by what it carries.
        return True
    return address.is_global and not any(address.version == net.version and address in net for net in _CLOSED)
