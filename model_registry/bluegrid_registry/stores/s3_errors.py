"""Translates errors of S3 servers and of botocore to errors of this package."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from botocore import exceptions as aws
from botocore.parsers import ResponseParserError

from bluegrid_registry import errors
from bluegrid_registry.stores.s3_identity import (
    no_credentials,
    refused_role,
    remedy_of_refusal,
    unreadable_token,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


class Unclear(errors.StoreError):
    """A refusal that may be due to a header of the request; a request without the header shows whether."""


class Forbidden(errors.StoreError):
    """403: the account lacks a permission, or the object is locked."""


class NothingThere(errors.StoreError):
    """404 that does not say what is missing: the object, the bucket, or an S3 server."""


_TOKEN = (
    "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN: "  # noqa: S105 - a text, no token
    "the session is over or is none of this server's; begin a new one"
)

WRONG_BYTES = ("BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch")
_TAKEN = ("PreconditionFailed", "FileAlreadyExists", "ObjectAlreadyExists")
_REFUSED = ("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "AllAccessDisabled", "Forbidden")
_REGION = ("AuthorizationHeaderMalformed", "IllegalLocationConstraintException")
_SESSION = ("ExpiredToken", "ExpiredTokenException", "InvalidToken", "TokenRefreshRequired")
_DAMAGED = "other bytes arrived than were sent ({code}), none are kept; push again"
_REFUSALS = (
    (("NoSuchKey",), errors.ObjectMissing, "no object {key}"),
    (WRONG_BYTES, errors.IntegrityError, f"{{key}}: {_DAMAGED}"),
    (_SESSION, errors.StoreError, f"{{key}}: refused ({{code}}); {_TOKEN}"),
    (("RequestTimeTooSkewed",), errors.StoreError, "{key}: refused ({code}); set this machine's clock"),
    (("NoSuchBucket",), errors.StoreError, "no such bucket; create it, or correct the store's address"),
)

GARBLED = (aws.IncompleteReadError, aws.ResponseStreamingError, ResponseParserError, ValueError)
"""Exceptions of botocore for an invalid response."""

_REDIRECTS = (301, 302, 303, 307, 308)
_BUSY = (500, 502, 503, 504)
_UNCLEAR = (400, 422, 501)


@contextmanager
def translate_errors(url: str, key: str) -> Iterator[None]:
    """Translate exceptions of botocore to errors of this package that name the store and the key."""
    try:
        yield
    except aws.ClientError as error:
        kind, text = _refusal(error, key)
        raise kind(f"{url}: {text}") from None
    except aws.SSLError as error:
        raise errors.StoreUnreachable(f"{url}: {_of_tls(error)}") from None
    except (aws.ConnectionError, aws.HTTPClientError) as error:
        remedy = "is the server running, and the address right?"
        raise errors.StoreUnreachable(f"{url}: no answer: {_line(error)} ({remedy})") from None
    except (aws.NoCredentialsError, aws.PartialCredentialsError):
        raise errors.ConfigError(f"{url}: {no_credentials()}") from None
    except aws.BotoCoreError as error:
        raise errors.StoreError(f"{url}: {key}: {_line(error)}") from None
    except OSError as error:
        if (fault := unreadable_token(error)) is None:
            raise
        raise errors.ConfigError(f"{url}: {fault}") from None
    except GARBLED as error:
        garbled = f"the answer makes no sense: {_line(error)}"
        raise errors.StoreError(f"{url}: {key}: {garbled}; is it an S3 server's?") from None


def code(error: aws.ClientError) -> str:
    """Return the refusal's code, such as NoSuchKey; the status if its body is damaged or empty."""
    return error.response["Error"].get("Code") or str(status(error))


def status(error: aws.ClientError) -> int:
    """Return the status of the response, such as 404; 0: no status."""
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def is_taken(error: aws.ClientError) -> bool:
    """Whether a conditional write was refused because the object exists: 412, on some servers 304."""
    return status(error) in (304, 412) or code(error) in _TAKEN


def is_bare(error: aws.ClientError) -> bool:
    """Whether the refusal has a status and no code: its body is empty, damaged, or not of an S3 server."""
    return code(error).isdigit() and status(error) not in _REDIRECTS and not is_taken(error)


def is_passing(error: Exception) -> bool:
    """Whether the error is temporary, as while a server restarts: a refused connection, 503."""
    if isinstance(error, aws.ClientError):
        return status(error) in _BUSY
    return isinstance(error, aws.EndpointConnectionError | aws.ConnectionClosedError)


def _refusal(error: aws.ClientError, key: str) -> tuple[type[errors.BluegridError], str]:
    if (fault := refused_role(error)) is not None:
        return errors.StoreError, fault
    message = _line(error.response["Error"].get("Message", ""))
    region = _region(error)
    if region or code(error) in _REGION:
        remedy = f"write region={region} in the store's address" if region else "is its region another one?"
        return errors.StoreError, f"{key}: the bucket is elsewhere ({code(error)}: {message}); {remedy}"
    if status(error) in _REDIRECTS:
        return errors.StoreError, f"{key}: {_redirected(error)}"
    if is_taken(error):
        return errors.ObjectExists, f"{key} exists"
    for codes, kind, text in _REFUSALS:
        if code(error) in codes:
            return kind, text.format(key=key, code=code(error), message=message)
    if code(error) in _REFUSED or status(error) in (401, 403):
        return Forbidden, f"{key}: refused ({code(error)}); {remedy_of_refusal()}"
    fault = f"{key}: {code(error)}: {message}".removesuffix(": ")
    if status(error) in _BUSY:
        remedy = "the server is busy or out of order: try again, or look at its log"
        return errors.StoreError, f"{fault}; {remedy}"
    kind = Unclear if status(error) in _UNCLEAR else errors.StoreError
    if code(error).isdigit():
        kind = NothingThere if status(error) == 404 else kind
        return kind, f"{fault}; is it an S3 server's answer? Check endpoint (http or https?) and bucket"
    return kind, fault


def _headers(error: aws.ClientError) -> dict[str, str]:
    return error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})


def _region(error: aws.ClientError) -> str:
    """Return the region that a refusal names; empty if the refusal is not about the region."""
    if status(error) not in _REDIRECTS and code(error) not in _REGION:
        return ""
    details: dict[str, str] = {**error.response["Error"]}  # type: ignore[dict-item]
    return _line(_headers(error).get("x-amz-bucket-region") or details.get("Region") or "")


def _redirected(error: aws.ClientError) -> str:
    place = urlsplit(_headers(error).get("location", ""))
    # Only the host is shown: the rest may contain a signature.
    where = f"{place.scheme}://{place.netloc.rpartition('@')[2]}" if place.netloc else ""
    remedy = f"write endpoint={where}" if where else "write the endpoint that answers by itself"
    to = where and f" to {where}"
    return f"redirected ({status(error)}){to}, which is not followed; {remedy} in the store's address"


def _of_tls(error: aws.SSLError) -> str:
    reason = _line(error.kwargs.get("error", error))
    if "mismatch" in reason or "doesn't match" in reason:
        remedy = "write the endpoint by a name that the certificate has"
    elif "CERTIFICATE_VERIFY_FAILED" in reason:
        remedy = "set AWS_CA_BUNDLE to a PEM file with the certificate of the CA that has signed it"
    elif any(word in reason for word in ("[Errno 2]", "[Errno 13]", "PEM", "certificate or crl")):
        bundle = os.environ.get("AWS_CA_BUNDLE", "")
        return f"no TLS: AWS_CA_BUNDLE {bundle} cannot be read: {reason}; name a PEM file with certificates"
    else:
        return f"no TLS: {reason}; is the endpoint's scheme right, https or http?"
    return f"the server's certificate is not trusted: {reason}; {remedy}"


def _line(reason: object) -> str:
    return " ".join(str(reason).split())[:500]
