"""The Unix sockets of this machine that somebody listens on: under which name each was bound, and at which file.

A file can be renamed or have a hard link; the kernel remembers both. Message formats: sock_diag(7), netlink(7).
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

_SOCK_DIAG = 4
_BY_FAMILY = 20
_DONE, _ERROR = 3, 2
_REQUEST_DUMP = 0x1 | 0x300
_LISTENING = 1 << 10
_SHOW_NAME, _SHOW_VFS = 1, 2
_NAME, _VFS = 0, 1
# struct nlmsghdr: length, type, flags, sequence, port.
_HEAD = struct.Struct("=IHHII")
# struct nlmsgerr begins with the negative error number.
_FAULT = struct.Struct("=i")
# struct unix_diag_req: family, protocol, padding, states, inode, what to show, cookie.
_ASKED = struct.Struct("=BBHIII2I")
# struct unix_diag_msg: family, type, state, padding, the socket's own inode, cookie.
_TOLD = struct.Struct("=BBBxI2I")
# struct rtattr: length, type; then each begins at a multiple of four.
_ATTRIBUTE = struct.Struct("=HH")
_FILE = struct.Struct("=II")
# The kernel's own dev_t.
_MINOR_BITS = 20
_PATIENCE_S = 2.0


@dataclass(frozen=True, slots=True)
class Bound:
    """A socket that somebody listens on.

    Attributes:
        name: as it was bound, a path that need not lead there any more.
        device, inode: of its file, the inode's lower 32 bits.
    """

    name: str
    device: int
    inode: int

    def is_at(self, found: os.stat_result) -> bool:
        """Say whether this is the socket of that file."""
        return self.device == found.st_dev and self.inode == found.st_ino & 0xFFFFFFFF


def listening() -> list[Bound]:
    """Return those with a file, in this network namespace.

    Raises:
        OSError: the kernel doesn't tell.
    """
    request = _ASKED.pack(socket.AF_UNIX, 0, 0, _LISTENING, 0, _SHOW_NAME | _SHOW_VFS, 0, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG) as kernel:
        kernel.settimeout(_PATIENCE_S)
        kernel.send(_HEAD.pack(_HEAD.size + len(request), _BY_FAMILY, _REQUEST_DUMP, 1, 0) + request)
        return [bound for message in _messages(kernel) if (bound := _bound(message))]


def _messages(kernel: socket.socket) -> Iterator[bytes]:
    while True:
        chunk = kernel.recv(1 << 16)
        while len(chunk) >= _HEAD.size:
            length, kind, *_ = _HEAD.unpack_from(chunk)
            if kind == _DONE:
                return
            if kind == _ERROR:
                [number] = _FAULT.unpack_from(chunk, _HEAD.size)
                raise OSError(-number, os.strerror(-number))
            yield chunk[_HEAD.size : length]
            chunk = chunk[_aligned(length) :]


def _bound(message: bytes) -> Bound | None:
    attributes, rest = {}, message[_TOLD.size :]
    while len(rest) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(rest)
        attributes[kind] = rest[_ATTRIBUTE.size : length]
        rest = rest[max(_aligned(length), _ATTRIBUTE.size) :]
    if _VFS not in attributes:
        return None
    inode, device = _FILE.unpack(attributes[_VFS])
    name = os.fsdecode(attributes.get(_NAME, b"").rstrip(b"\0"))
    return Bound(name, os.makedev(device >> _MINOR_BITS, device & ((1 << _MINOR_BITS) - 1)), inode)


def _aligned(length: int) -> int:
    return (length + 3) & ~3
