"""What S3 servers and botocore say when something is wrong, in our words."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore import exceptions as aws
from botocore.parsers import ResponseParserError

from model_registry import errors

if TYPE_CHECKING:
    from collections.abc import Iterator

_REMEDY = "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"

# Where the body of a refusal is damaged, botocore gives the bare status as its code.
MISSING = ("NoSuchKey", "404")
TAKEN = ("PreconditionFailed", "412")
WRONG_BYTES = ("BadDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch")
_CREDENTIALS = ("AccessDenied", "ExpiredToken", "InvalidAccessKeyId", "SignatureDoesNotMatch")
_DAMAGED = "other bytes arrived than were sent ({code}), none are kept; push again"
_REFUSALS = (
    (MISSING, errors.ObjectMissing, "no object {key}"),
    (TAKEN, errors.ObjectExists, "{key} exists"),
    (WRONG_BYTES, errors.IntegrityError, f"{{key}}: {_DAMAGED}"),
    (_CREDENTIALS, errors.StoreError, f"{{key}}: refused ({{code}}); {_REMEDY}, and their rights"),
    (("RequestTimeTooSkewed",), errors.StoreError, "{key}: refused ({code}); set this machine's clock"),
    (("NoSuchBucket",), errors.StoreError, "no such bucket; create it, or mend the store's address"),
)

GARBLED = (aws.IncompleteReadError, aws.ResponseStreamingError, ResponseParserError, ValueError)
"""What botocore raises when an answer has come, and makes no sense."""


@contextmanager
def told(url: str, key: str) -> Iterator[None]:
    """Turn what botocore raises into errors of ours, about this store and key."""
    try:
        yield
    except aws.ClientError as error:
        matching = ((kind, text) for codes, kind, text in _REFUSALS if code(error) in codes)
        kind, text = next(matching, (errors.StoreError, "{key}: {code}: {message}"))
        message = _line(error.response["Error"].get("Message", ""))
        raise kind(f"{url}: {text.format(key=key, code=code(error), message=message)}") from None
    except (aws.ConnectionError, aws.HTTPClientError) as error:
        remedy = "is the server running, and the address right?"
        raise errors.StoreUnreachable(f"{url}: no answer: {_line(error)} ({remedy})") from None
    except (aws.NoCredentialsError, aws.PartialCredentialsError):
        raise errors.ConfigError(f"{url}: no credentials; {_REMEDY}") from None
    except aws.BotoCoreError as error:
        raise errors.StoreError(f"{url}: {key}: {_line(error)}") from None
    except GARBLED as error:
        garbled = f"the answer makes no sense: {_line(error)}"
        raise errors.StoreError(f"{url}: {key}: {garbled}; is it an S3 server's?") from None


def code(error: aws.ClientError) -> str:
    """Return the refusal's code, such as NoSuchKey."""
    return error.response["Error"].get("Code", "unknown")


def _line(reason: object) -> str:
    return " ".join(str(reason).split())[:500]
