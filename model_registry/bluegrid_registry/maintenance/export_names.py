r"""Paths of exported models: readable, below one folder on every system, and never the same for two UIDs.

The path of a UID is the UID and the file type: `feeder/7` is `feeder/7.skops`. Whatever could mean something
else in a path is percent-encoded, so that a decoded path is the UID again:

    %  ~  \  and what Windows does not allow: < > : " | ? *    100%        100%25.skops
    a slash beside another slash, or at an end                 a//b        a%2F%2Fb.skops
    dots and blanks at the ends of a name                      ../.x       %2E%2E/%2Ex.skops
    the last dot of a folder that is named like a file         a.skops/b   a%2Eskops/b.skops
    the first letter of a name that Windows reserves           aux         %61ux.skops

If a name would be too long, or if two paths differ only in capitals, which some systems do not distinguish,
the path is the beginning of the UID, `~`, and a part of the UID's SHA-256.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING

from bluegrid_registry.formats.checksums import sha256_hex

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

MAX_NAME = 255
"""Bytes of the longest name of a file or folder, on every usual file system."""
_DIGITS = 32
"""Number of hex digits of the UID's SHA-256."""
_BEGINNING = 40
"""Number of characters of the UID before them."""

_SPECIAL = re.compile(r'[%~\\<>:"|?*]|^/|/$|(?<=/)/|/(?=/)')
_END = re.compile(r"^[. ]+|[. ]+$")
_DEVICE = re.compile(r"(?i)(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?")


def export_paths(uids: Iterable[str], file_type: str, reserved: Collection[str]) -> dict[str, str]:
    """Return the path of each model's file or folder by UID, relative and with `/`.

    Args:
        uids: the UIDs of a version.
        file_type: ends each path, such as `skops`.
        reserved: names of the folder's other files, in lower case.
    """
    suffix = f".{file_type}"
    paths = {uid: _path(uid, suffix, reserved) for uid in uids}
    count = Counter(map(_folded, paths.values()))
    return {
        uid: path if count[_folded(path)] == 1 and _is_short(path) else _unique_path(uid, suffix)
        for uid, path in paths.items()
    }


def _path(uid: str, suffix: str, reserved: Collection[str]) -> str:
    *folders, name = map(_segment, _SPECIAL.sub(_encoded, uid).split("/"))
    if not folders and f"{name}{suffix}".casefold() in reserved:
        name = _first_encoded(name)
    return "/".join([*(_folder(each, suffix, reserved) for each in folders), f"{name}{suffix}"])


def _folder(name: str, suffix: str, reserved: Collection[str]) -> str:
    # A file could have the same name as this folder.
    if name.casefold().endswith(suffix) or name.casefold() in reserved:
        stem, _, ending = name.rpartition(".")
        name = f"{stem}%2E{ending}"
    return name


def _segment(name: str) -> str:
    name = _END.sub(_encoded, name)
    return _first_encoded(name) if _DEVICE.fullmatch(name) else name


def _first_encoded(name: str) -> str:
    return f"%{ord(name[0]):02X}{name[1:]}"


def _encoded(match: re.Match[str]) -> str:
    return "".join(f"%{ord(character):02X}" for character in match[0])


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", path.casefold())


def _is_short(path: str) -> bool:
    return all(len(name.encode()) <= MAX_NAME for name in path.split("/"))


def _unique_path(uid: str, suffix: str) -> str:
    beginning = _segment(_SPECIAL.sub(_encoded, uid[:_BEGINNING]).replace("/", "%2F"))
    return f"{beginning}~{sha256_hex(uid.encode())[:_DIGITS]}{suffix}"
