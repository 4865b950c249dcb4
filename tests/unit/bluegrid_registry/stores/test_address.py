"""An address is parsed correctly or refused; and a refusal shows no secret of the address."""

from __future__ import annotations

from pathlib import Path

import pytest

from bluegrid_registry import ConfigError, open_store
from bluegrid_registry.stores.address import Bucket, parse_address

SECRET = "wJalrXUtnFEMI"


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("file:///var/models", Path("/var/models")),
        ("file:///var/my%20models/a%23b", Path("/var/my models/a#b")),
        ("s3://models", Bucket("models", "")),
        ("s3://models/grid/north/", Bucket("models", "grid/north")),
        ("S3://models/a b&c+d@e", Bucket("models", "a b&c+d@e")),
        ("s3://models/g?region=eu-west-1", Bucket("models", "g", region="eu-west-1")),
        (
            "s3://models/g?endpoint=http://[::1]:9000/s3&addressing=virtual",
            Bucket("models", "g", "http://[::1]:9000/s3", addressing="virtual"),
        ),
    ],
)
def test_an_address_names_a_folder_or_a_bucket(address: str, place: Path | Bucket) -> None:
    assert parse_address(address) == place


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("s3://models/a#b?endpoint=http://host", "has a fragment; write %23"),
        ("file:///var/a#b", "has a fragment; write %23"),
        ("s3://models/a?endpoint=", "has an empty endpoint; leave it out, or set the variable"),
        ("s3://models/a?endpoint=%20", "has an empty endpoint"),
        ("s3://models/a?region=&endpoint=http://host", "has an empty region"),
        ("s3://models/a?endpoint=http://one&endpoint=http://two", "has endpoint twice; keep one"),
        ("s3://models/a?endpoint", "has an option without a value"),
        ("s3://models/a?adressing=virtual", "option adressing that is not known; known are endpoint, region"),
        ("s3://models/a?addressing=dns", "another addressing than path or virtual"),
        ("s3://models/a?endpoint=host:9000", "Invalid endpoint: host:9000"),
        ("s3://models/a?endpoint=http://", "Invalid endpoint: http://"),
        ("s3://models/a?endpoint=http://host:port", "Invalid endpoint: http://host:port"),
        ("s3://models/a?endpoint=http://host?region=eu", "Invalid endpoint: http://host;"),
        ("s3://models/a?region=no region", "an invalid region"),
        ("s3://models:9000/a", "holds credentials or a port"),
        ("s3://mod els/a", "names no bucket"),
        (" s3://models/a", "has blanks around it"),
        ("s3://models/a\n", "has blanks around it"),
        ("s3://models/gr\nid", "control characters"),
        ("s3://models/gr%0Aid", "control characters"),
        ("s3://models/%ff", "not UTF-8"),
        ("file:///a?endpoint=http://host", "neither a host nor options"),
        ("", "begins with neither file:// nor s3://"),
    ],
)
def test_an_address_that_would_lead_elsewhere_is_refused_in_one_line(address: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        open_store(address)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith("s3://bucket/prefix?endpoint=http://host:port&region=us-east-1")


@pytest.mark.parametrize(
    "address",
    [
        f"s3://key:{SECRET}@models/grid",
        f"s3://key:se/{SECRET}@models/grid",
        f"s3://{SECRET}@models/grid",
        f"s3://models/grid?secret={SECRET}",
        f"s3://models/grid?{SECRET}",
        f"s3://models/grid?{SECRET}=1&x={SECRET}",
        f"s3://models/grid?endpoint=http://key:{SECRET}@host",
        f"s3://models/grid?endpoint=http://host?X-Amz-Signature={SECRET}",
        f"s3://models/grid?endpoint=http://one&endpoint=http://key:{SECRET}@two",
        f"s3://models/grid#{SECRET}",
        f"https://key:{SECRET}@models/grid",
        f"minio://key:{SECRET}@models/grid",
        SECRET,
    ],
)
def test_a_secret_in_an_address_is_never_shown(address: str) -> None:
    with pytest.raises(ConfigError) as caught:
        open_store(address)
    assert SECRET not in str(caught.value)
