"""A cloud on loopback: a token service that trusts one web identity token, and a bucket for its sessions."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROLE = "arn:aws:iam::123456789012:role/bluegrid-north-reader"

_SESSION = """\
<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>{key}</AccessKeyId>
<SecretAccessKey>of {key}</SecretAccessKey><SessionToken>{token}</SessionToken>
<Expiration>{end}</Expiration></Credentials></AssumeRoleWithWebIdentityResult>
</AssumeRoleWithWebIdentityResponse>"""
_STS_ERROR = "<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
_S3_ERROR = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"


@dataclass
class Cloud:
    """State of the cloud, which tests change.

    Attributes:
        bucket: the folder with the bucket's objects.
        url: of the token service and of the bucket's server.
        trusted: the token for which the service gives a session of `ROLE`.
        lasts: how long a session lasts; an SDK renews one that ends within minutes before it is used.
        lets_read: whether the role may read the bucket.
        tokens: the tokens that were shown to the service.
        sessions: the sessions that were given, by session token, with their access keys.
        reads: how many objects were read.
    """

    bucket: Path
    url: str = ""
    trusted: str = "from the cluster"
    lasts: timedelta = timedelta(hours=1)
    lets_read: bool = True
    tokens: list[str] = field(default_factory=list)
    sessions: dict[str, str] = field(default_factory=dict)
    reads: int = 0

    @property
    def store(self) -> str:
        """Address of the store in the bucket."""
        return f"s3://models?endpoint={self.url}&region=eu-central-1"

    @property
    def store_name(self) -> str:
        """The store as errors name it."""
        return f"s3://models/ at {self.url}"

    def pod(self, token: Path) -> dict[str, str]:
        """Return what EKS' webhook puts into the environment of a pod, and the address of this service."""
        return {
            "AWS_ROLE_ARN": ROLE,
            "AWS_WEB_IDENTITY_TOKEN_FILE": str(token),
            "AWS_REGION": "eu-central-1",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_STS_REGIONAL_ENDPOINTS": "regional",
            "AWS_ENDPOINT_URL_STS": self.url,
        }

    def assume(self, form: dict[str, list[str]]) -> tuple[int, str]:
        """Answer the token service's AssumeRoleWithWebIdentity."""
        assert form["Action"] == ["AssumeRoleWithWebIdentity"]
        assert form["RoleArn"] == [ROLE]
        (token,) = form["WebIdentityToken"]
        self.tokens.append(token)
        if token != self.trusted:
            fault = "Not authorized to perform sts:AssumeRoleWithWebIdentity"
            return 403, _STS_ERROR.format(code="AccessDenied", message=fault)
        key, session = f"ASIA{len(self.tokens)}", f"session {len(self.tokens)}"
        self.sessions[session] = key
        end = datetime.now(UTC) + self.lasts
        return 200, _SESSION.format(key=key, token=session, end=end.strftime("%Y-%m-%dT%H:%M:%SZ"))

    def may_read(self, token: str, authorization: str) -> bool:
        """Whether a request is signed with a session of the role, which may read."""
        key = self.sessions.get(token)
        return self.lets_read and key is not None and f"Credential={key}/" in authorization


@contextmanager
def cloud(bucket: Path) -> Iterator[Cloud]:
    """Run a cloud whose bucket `models` has the files of a folder."""
    state = Cloud(bucket)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self.answer(*state.assume(parse_qs(body)))

        def do_GET(self) -> None:
            session, signed = self.headers["X-Amz-Security-Token"], self.headers["Authorization"]
            if not state.may_read(session or "", signed or ""):
                self.answer(403, _S3_ERROR)
                return
            state.reads += 1
            data = (state.bucket / urlsplit(self.path).path.removeprefix("/models/")).read_bytes()
            first, _, last = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
            part = data[int(first) : int(last) + 1 if last else None]
            self.send_response(206 if "Range" in self.headers else 200)
            self.send_header("Content-Length", str(len(part)))
            self.end_headers()
            self.wfile.write(part)

        def answer(self, status: int, text: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        state.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()
