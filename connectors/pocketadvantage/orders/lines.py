"""What is seen of a connection from outside the thread that waits for its answer."""

import socket
import struct
from collections.abc import Callable

#: Given what ends a connection from any thread, and what says how many bytes came over it.
Heard = Callable[[Callable[[], None], Callable[[], int]], None]
#: where Linux has the count of what came (tcp_info), and how much of that is asked for
_AT, _LENGTH = 128, 136


def received(line: socket.socket) -> int:
    """Return how many bytes came over it, ever; 0 where the system does not say that."""
    option = getattr(socket, "TCP_INFO", None)
    if option is None:
        return 0
    try:
        said = line.getsockopt(socket.IPPROTO_TCP, option, _LENGTH)
    except OSError:
        return 0
    return int(struct.unpack_from("=Q", said, _AT)[0]) if len(said) >= _LENGTH else 0
