"""Members of a zip file, as Python's zipfile writes it: one after the other, without gaps.

`zipfile` would take as long to open a file of a linear model as all other steps take together.
https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3
"""

from __future__ import annotations

import struct
import zlib

from bluegrid_server.frameworks.not_data import check

_END = struct.Struct("<4s4H2IH")
_ENTRY = struct.Struct("<4s6H3I5H2I")
_LOCAL = struct.Struct("<4s5H3I2H")
_STORED, _DEFLATED = 0, 8
_MAX_INFLATED = 8 * 2**20
"""Maximum size of all compressed members together, in bytes: the schema of about 500 trees. A file of a few
kilobytes could otherwise cost gigabytes."""


def members_of(data: bytes) -> dict[str, bytes]:
    """Return the members of a zip file by name, each with a correct checksum.

    Raises:
        NotDataError: it is not such a file, or has more than 8 MiB in compressed members.
        struct.error, zlib.error, UnicodeError: it is damaged.
    """
    end = len(data) - _END.size
    check(end >= 0, "too short for a zip file")
    magic, disk, first_disk, here, count, size, start, comment = _END.unpack_from(data, end)
    check(
        magic == b"PK\5\6" and not (disk or first_disk or comment) and here == count and start + size == end,
        "not a plain zip file",
    )
    members: dict[str, bytes] = {}
    entry, local, left = start, 0, _MAX_INFLATED
    for _ in range(count):
        fields = _ENTRY.unpack_from(data, entry)
        magic, _, _, flags, method, _, _, checksum, packed, size, length, extra, remark, disk, _, _, at = (
            fields
        )
        entry += _ENTRY.size
        encoded = data[entry : entry + length]
        entry += length
        left -= size if method != _STORED else 0
        check(
            magic == b"PK\1\2" and not (flags or extra or remark or disk) and at == local and left >= 0,
            "not a plain member",
        )
        magic, _, flags, again, _, _, _, _, _, length, extra = _LOCAL.unpack_from(data, local)
        local += _LOCAL.size
        check(
            magic == b"PK\3\4"
            and (flags, again, length, extra) == (0, method, len(encoded), 0)
            and data[local : local + length] == encoded,
            "a member that differs from its entry",
        )
        local += length
        member = _member(data[local : local + packed], method, size)
        check(len(member) == size and zlib.crc32(member) == checksum, "a damaged member")
        local += packed
        members[encoded.decode("ascii")] = member
    check(entry == end and local == start and len(members) == count, "not only the members")
    return members


def _member(packed: bytes, method: int, size: int) -> bytes:
    if method == _STORED:
        return packed
    check(method == _DEFLATED and size, "an unknown compression")
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    member = inflate.decompress(packed, size)
    check(inflate.eof and not inflate.unused_data, "a damaged member")
    return member
