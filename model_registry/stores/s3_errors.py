"""What S3 servers and botocore say when something is wrong, in our words."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore import exceptions as aws
from botocore.parsers import ResponseParserError

from model_registry import errors

if TYPE_CHECKING:
    from collections.abc import Iterator

# Where the body of a refusal is damaged, botocore gives the bare status as its code.
TAKEN = {"PreconditionFailed", "412"}
MISSING = {"NoSuchKey", "404"}
WRONG_BYTES = {"BadDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch"}
WRONG_CREDENTIALS = {"AccessDenied", "ExpiredToken", "InvalidAccessKeyId", "SignatureDoesNotMatch"}

GARBLED = (aws.IncompleteReadError, aws.ResponseStreamingError, ResponseParserError, ValueError)
"""What botocore raises when an answer has come, and makes no sense."""

_CREDENTIALS_REMEDY = "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"


@contextmanager
def told(url: str, key: str) -> Iterator[None]:
    """Turn what botocore raises into errors of ours, about this store and key."""
    try:
        yield
    except aws.ClientError as error:
        raise _refusal(url, key, error) from None
    except (aws.ConnectionError, aws.HTTPClientError) as error:
        remedy = "is the server running, and the address right?"
        raise errors.StoreUnreachable(f"{url}: no answer: {_line(error)} ({remedy})") from None
    except (aws.NoCredentialsError, aws.PartialCredentialsError):
        raise errors.ConfigError(f"{url}: no credentials; {_CREDENTIALS_REMEDY}") from None
    except aws.BotoCoreError as error:
        raise errors.StoreError(f"{url}: {key}: {_line(error)}") from None
    except GARBLED as error:
        garbled = f"the answer makes no sense: {_line(error)}"
        raise errors.StoreError(f"{url}: {key}: {garbled}; is it an S3 server's?") from None


def _refusal(url: str, key: str, error: aws.ClientError) -> errors.BluegridError:
    reason = code(error)
    if reason in MISSING:
        return errors.ObjectMissing(f"{url}: no object {key}")
    if reason in TAKEN:
        return errors.ObjectExists(f"{url}: {key} exists")
    if reason in WRONG_BYTES:
        return errors.IntegrityError(
            f"{url}: {key}: other bytes arrived than were sent ({reason}), none are kept; push again"
        )
    if reason in WRONG_CREDENTIALS:
        return errors.StoreError(f"{url}: {key}: refused ({reason}); {_CREDENTIALS_REMEDY}, and their rights")
    if reason == "RequestTimeTooSkewed":
        return errors.StoreError(f"{url}: {key}: refused ({reason}); set this machine's clock")
    if reason == "NoSuchBucket":
        return errors.StoreError(f"{url}: no such bucket; create it, or mend the store's address")
    return errors.StoreError(f"{url}: {key}: {reason}: {_line(error.response['Error'].get('Message', ''))}")


def code(error: aws.ClientError) -> str:
    """Return the refusal's code, such as NoSuchKey."""
    return error.response["Error"].get("Code", "unknown")


def _line(reason: object) -> str:
    return " ".join(str(reason).split())[:500]
