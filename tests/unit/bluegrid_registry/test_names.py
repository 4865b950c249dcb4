"""UIDs, IDs and quantities: valid values, and the messages for invalid values."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from bluegrid_registry.names import ClusterId, Digest, Label, Quantity, ServiceName, Uid, check_uid

HOSTILE_UIDS = [
    "",
    "x" * 201,
    "line\n17",
    "line\x0017",
    "line\u202e17",
    "\ud800",
    unicodedata.normalize("NFD", "Übertragung"),
]


@pytest.mark.parametrize("uid", HOSTILE_UIDS, ids=ascii)
def test_a_uid_that_is_not_printable_is_refused(uid: str) -> None:
    with pytest.raises(ValueError, match="UID"):
        check_uid(uid)


@pytest.mark.parametrize(
    "uid",
    [
        *("line-17", "x" * 200, "Übertragung 4", "变压器-3", "a.b..c", "line 17"),
        *("江苏.东善桥/500kV.1号主变", "mv_feeder/OS Edam", "_f1769b30-9aeb-11e5-91da-b8763fd99c5f"),
        *("a\\b", ".", "..", ".hidden", "/", "a//b", "../x", "100%", "%2F", "a?b#c", "*", "[x]", "a/infer"),
    ],
)
def test_a_uid_names_a_device_in_any_script_and_by_any_path(uid: str) -> None:
    assert TypeAdapter(Uid).validate_python(uid) == uid


@given(st.text(max_size=210))
def test_a_uid_that_is_taken_is_one_printable_line_in_nfc(text: str) -> None:
    try:
        uid = check_uid(text)
    except ValueError:
        return
    assert uid == text
    assert 1 <= len(uid) <= 200
    assert not {"\0", "\n"} & set(uid)
    assert unicodedata.is_normalized("NFC", uid)


@pytest.mark.parametrize("name", ["g1", "v1", "2026.11.1", "A_b-c", "x" * 63])
def test_an_id_is_a_kubernetes_label_value(name: str) -> None:
    assert TypeAdapter(Label).validate_python(name) == name


@pytest.mark.parametrize("name", ["", "-a", "a-", ".a", "a/b", "a b", "ä", "x" * 64, "a\n"])
def test_an_id_that_is_no_label_value_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="is not an ID"):
        TypeAdapter(Label).validate_python(name)


@pytest.mark.parametrize(
    "name", ["Line", "line_loading", "1-line", "-line", "line-", "x" * 64, "line.loading"]
)
def test_a_service_name_is_a_dns_label_that_begins_with_a_letter(name: str) -> None:
    with pytest.raises(ValidationError, match="is not a DNS label"):
        TypeAdapter(ServiceName).validate_python(name)


def test_a_cluster_is_not_named_as_what_proves_another_one() -> None:
    with pytest.raises(ValidationError, match="'d1-preflight' would name the Job that proves d1"):
        TypeAdapter(ClusterId).validate_python("d1-preflight")


def test_a_cluster_id_may_begin_with_a_digit() -> None:
    assert TypeAdapter(ClusterId).validate_python("1a") == "1a"


@pytest.mark.parametrize("digest", ["sha256:" + "0" * 63, "0" * 64, "sha256:" + "A" * 64, "md5:" + "0" * 64])
def test_a_digest_is_sha256_and_64_hex_digits(digest: str) -> None:
    with pytest.raises(ValidationError, match="is not a digest"):
        TypeAdapter(Digest).validate_python(digest)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (2, "2"),
        (0.5, "0.5"),
        ("500m", "500m"),
        ("2Gi", "2Gi"),
        ("1e3", "1e3"),
        ("1.5G", "1.5G"),
        ("0.1", "0.1"),
    ],
)
def test_a_quantity_is_read_as_kubernetes_writes_it(written: object, read: str) -> None:
    assert TypeAdapter(Quantity).validate_python(written) == read


@pytest.mark.parametrize(
    "written", [0, -1, "0", "0Gi", "2GB", "Gi", "", "-1", "1,5", True, None, float("nan")]
)
def test_what_is_no_quantity_above_zero_is_refused(written: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Quantity).validate_python(written)
