"""Many connections over one stream: the tool's end of `channels.pl`, which runs in the server's container.

One `docker exec` for each connection costs a tenth of a second, and a rehearsal opens some seventy. What one side
may send before the other has passed it on is limited, so that a connection that nobody reads keeps up no other one.
"""

from __future__ import annotations

import contextlib
import itertools
import queue
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

from alembic_rehearsal.postgres import relay

# As in channels.pl.
_HEAD = struct.Struct(">cII")
_COUNT = struct.Struct(">I")
_WINDOW = 1 << 18
_PATIENCE_S = 20.0


def program() -> str:
    """Return the text of the program for Perl."""
    return Path(__file__).with_suffix(".pl").read_text(encoding="ascii")


class Channels:
    """The program's streams, and the connections that they carry.

    Args:
        stream: attached to the program; closed by `close` only.
    """

    def __init__(self, stream: socket.socket) -> None:
        self._stream = stream
        self._numbers = itertools.count(1)
        self._carried: dict[int, _Channel] = {}
        # Of the stream, and of what is carried.
        self._writing, self._changing = threading.Lock(), threading.Lock()
        self._answered = threading.Event()
        self.ended = False

    def begin(self) -> bool:
        """Ask whether the program is there, and wait for its answer; False when it can't be run there.

        It doesn't speak first: what comes with the head of the engine's answer is lost to who takes the stream over.
        """
        threading.Thread(target=self._listen, daemon=True, name="channels").start()
        with contextlib.suppress(OSError):
            self._say(b"H", 0)
        self._answered.wait(_PATIENCE_S)
        return self._answered.is_set() and not self.ended

    def carry(self, client: socket.socket) -> None:
        """Carry what *client* and the server say to each other, until one of the two closes."""
        channel = _Channel()
        with self._changing:
            if self.ended:
                return
            number = next(self._numbers)
            self._carried[number] = channel
        outwards = threading.Thread(target=self._pass_on, args=(number, channel, client), daemon=True, name="channel")
        try:
            self._say(b"O", number)
            outwards.start()
            while (chunk := client.recv(relay.CHUNK)) and channel.spend(len(chunk)):
                self._say(b"D", number, chunk)
        except OSError:
            pass  # of either end: both are closed below
        finally:
            with self._changing:
                self._carried.pop(number, None)
            channel.end()
            with contextlib.suppress(OSError):
                self._say(b"C", number)
            if outwards.ident:
                outwards.join()

    def close(self) -> None:
        """End the program and with it all connections."""
        relay.close(self._stream)

    def _pass_on(self, number: int, channel: _Channel, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while (content := channel.received.get()) is not None:
                client.sendall(content)
                self._say(b"A", number, _COUNT.pack(len(content)))
        with contextlib.suppress(OSError):
            # Both ways: whoever waits for the client to say something is to stop.
            client.shutdown(socket.SHUT_RDWR)

    def _listen(self) -> None:
        try:
            for kind, number, content in _frames(self._stream):
                self._hear(kind, number, content)
        finally:
            with self._changing:
                self.ended = True
            for channel in tuple(self._carried.values()):
                channel.end()
            self._answered.set()

    def _hear(self, kind: bytes, number: int, content: bytes) -> None:
        channel = self._carried.get(number)
        if kind == b"H":
            self._answered.set()
        elif channel is None:
            return
        elif kind == b"D":
            channel.received.put(content)
        elif kind == b"A":
            channel.earn(*_COUNT.unpack(content))
        elif kind == b"C":
            channel.end()

    def _say(self, kind: bytes, number: int, content: bytes = b"") -> None:
        with self._writing:
            self._stream.sendall(_HEAD.pack(kind, number, len(content)) + content)


class _Channel:
    """One connection: what it has received, and how much more it may send."""

    def __init__(self) -> None:
        self.received: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._credit = _WINDOW
        self._ended = False
        self._changed = threading.Condition()

    def spend(self, size: int) -> bool:
        """Wait until more may be sent; False when it has ended."""
        with self._changed:
            self._changed.wait_for(lambda: self._credit > 0 or self._ended)
            self._credit -= size
            return not self._ended

    def earn(self, size: int) -> None:
        """Note that so many bytes were passed on to the server."""
        with self._changed:
            self._credit += size
            self._changed.notify_all()

    def end(self) -> None:
        """Let nobody wait any more; what was received before is still passed on."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self.received.put(None)


def _frames(stream: socket.socket) -> Iterator[tuple[bytes, int, bytes]]:
    """Yield (kind, connection's number, content) until the stream ends."""
    unread = bytearray()
    with contextlib.suppress(OSError):
        for which, content in relay.frames(stream.recv):
            if which != relay.STDOUT:
                continue
            unread += content
            while len(unread) >= _HEAD.size:
                kind, number, size = _HEAD.unpack_from(unread)
                end = _HEAD.size + size
                if len(unread) < end:
                    break
                yield kind, number, bytes(unread[_HEAD.size : end])
                del unread[:end]
