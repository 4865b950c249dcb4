"""The update server as a process."""

from __future__ import annotations

import ipaddress
import logging
import os
import socket
import ssl
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
import uvicorn

from bluegrid.updates.api.app import make_app
from bluegrid.updates.api.dependencies import Dependencies
from bluegrid.updates.api.token_file import Tokens
from bluegrid.updates.health import Health
from bluegrid.updates.jobs.audit_log import AuditLog
from bluegrid.updates.jobs.bad_versions import BadVersions
from bluegrid.updates.jobs.database import Database
from bluegrid.updates.jobs.switch_queue import SwitchQueue
from bluegrid.updates.jobs.update_queue import UpdateQueue
from bluegrid.updates.publishing.publisher import Publisher
from bluegrid.updates.publishing.training import Training
from bluegrid.updates.publishing.uploads import Uploads
from bluegrid.updates.region_watcher import RegionWatcher
from bluegrid.updates.registry_source.clone import Clone
from bluegrid.updates.registry_source.registry_cache import RegistryCache
from bluegrid.updates.registry_source.source import Folder
from bluegrid.updates.rollouts import Rollouts, Stacks
from bluegrid.updates.runners.scheduler import Scheduler
from bluegrid.updates.runners.switch_runner import SwitchRunner
from bluegrid.updates.runners.update_runner import UpdateRunner
from bluegrid.updates.secrecy import hide_environment
from bluegrid_registry.errors import ConfigError
from bluegrid_registry.stores import open_store
from bluegrid_server.http.http1 import Http1Protocol

if TYPE_CHECKING:
    from fastapi import FastAPI

    from bluegrid.updates.registry_source.source import RegistrySource

STOP_SECONDS = 30


@dataclass(frozen=True)
class Options:
    """Options of the server.

    Attributes:
        registry: folder of registry files; with `git`, in the repository.
        store: URL of the store.
        state: folder for the database, uploads and the clone.
        tokens: file of tokens.
        git: the repository from which everybody deploys; None: the registry's folder is edited in place.
        branch: the branch that everybody deploys.
        stacks: names of the stacks that the server may update, in order.
        program: folder of the Pulumi program; None: the clone, or the working folder.
        stack_files: folder of the stacks' files; None: `stacks` in the program's folder.
        containers: the program that runs trainers with an image.
        max_upload: the size of the largest upload, in bytes.
        trainings: how many trainers may run at once, each for another set.
    """

    registry: Path
    store: str
    state: Path
    tokens: Path
    git: str | None = None
    branch: str = "main"
    stacks: tuple[str, ...] = ()
    program: Path | None = None
    stack_files: Path | None = None
    containers: str = "podman"
    max_upload: int = 4 * 2**30
    trainings: int = 2


@dataclass(frozen=True)
class Listening:
    """The address and port of the server.

    Attributes:
        host: an address of this machine.
        port: the port; 0: any free port.
        tls_cert, tls_key: PEM files; None: plain HTTP.
    """

    host: str
    port: int
    tls_cert: Path | None = None
    tls_key: Path | None = None

    def check(self) -> None:
        """Raise ConfigError if tokens would cross a network without TLS, or its files cannot be used."""
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ConfigError("TLS needs a certificate and its key; give --tls-cert and --tls-key")
        if self.tls_cert is not None:
            try:
                ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self.tls_cert, self.tls_key)
            except OSError as error:
                wrong = isinstance(error, ssl.SSLError)
                fault = "not a certificate and its key, as PEM files" if wrong else error.strerror
                raise ConfigError(
                    f"--tls-cert {self.tls_cert}, --tls-key {self.tls_key}: cannot be used: {fault}"
                ) from None
        try:
            loopback = ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            raise ConfigError(f"--host {self.host}: expected an address, such as 127.0.0.1") from None
        if self.tls_cert is None and not loopback:
            fault = f"--host {self.host} is reached from elsewhere, and tokens would travel in clear"
            raise ConfigError(
                f"{fault}; give --tls-cert and --tls-key, or listen on 127.0.0.1 behind a proxy"
            )

    def listener(self) -> socket.socket:
        """Return a socket that listens; ConfigError if none can."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        try:
            return socket.create_server((self.host, self.port), family=family)
        except OSError as error:
            # The text of this error names the address again.
            why = os.strerror(error.errno or 0)
            fault = f"cannot listen on {self.host}, port {self.port}: {why}"
            raise ConfigError(f"{fault}; choose another --port, or end what listens there") from None


class _Server(uvicorn.Server):
    """Logs the address on which it listens, because the port may be chosen by the system."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen."""
        await super().startup(sockets)
        scheme = "https" if self.config.is_ssl else "http"
        for host, port, *_ in (each.getsockname() for server in self.servers for each in server.sockets):
            structlog.get_logger().info("listening", url=f"{scheme}://{host}:{port}")


def build(options: Options) -> FastAPI:
    """Return the application.

    Raises:
        BluegridError: an option is wrong.
    """
    uploads = Uploads(options.state / "uploads", options.max_upload)
    training, scratch = Training(options.state / "trained", options.containers), options.state / "scratch"
    outputs = options.state / "outputs"
    for folder in (options.state, uploads.folder, training.folder, outputs, scratch):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                f"--state-folder {options.state}: cannot be written: {error.strerror}"
            ) from None
    database = Database.open(options.state / "journal.sqlite")
    queue, switches = UpdateQueue(database), SwitchQueue(database)
    store, source = open_store(options.store), _source(options)
    stacks, cache = _stacks(options, source), RegistryCache(source)
    bad = BadVersions(database)
    rollouts = Rollouts(source, store, stacks, switches, bad)
    publisher = Publisher(source, store, uploads, training, scratch)
    # Switches have their own copies of stack files, so that a switch does not wait for another rollout.
    switch_runner = SwitchRunner(
        switches, bad, source, replace(stacks, folder=stacks.folder.with_name("switches"))
    )
    update_runner = UpdateRunner(queue, publisher, rollouts, Scheduler(queue, source), options.trainings)
    return make_app(
        Dependencies(
            queue=queue,
            uploads=uploads,
            update_runner=update_runner,
            tokens=Tokens(options.tokens),
            source=source,
            store=store,
            rollouts=rollouts,
            switches=switches,
            switch_runner=switch_runner,
            watcher=RegionWatcher(stacks, cache),
            cache=cache,
            bad=bad,
            audit_log=AuditLog(database),
            health=Health(
                options.state, database, source, store, (update_runner.worker, switch_runner.worker)
            ),
        )
    )


def serve(options: Options, listening: Listening) -> None:
    """Serve until a signal arrives.

    Raises:
        BluegridError: an option is wrong.
    """
    listening.check()
    hide_environment()
    _log_as_json()
    with listening.listener() as listener:
        _Server(configured(build(options), listening)).run([listener])


def configured(app: FastAPI, listening: Listening) -> uvicorn.Config:
    """Return the configuration with which uvicorn runs the application."""
    return uvicorn.Config(
        app,
        host=listening.host,
        port=listening.port,
        ssl_certfile=listening.tls_cert,
        ssl_keyfile=listening.tls_key,
        log_config=None,
        server_header=False,
        http=Http1Protocol,
        ws="none",
        timeout_graceful_shutdown=STOP_SECONDS,
    )


def _source(options: Options) -> RegistrySource:
    if options.git is None:
        return Folder(options.registry)
    return Clone.open(options.state / "clone", options.git, options.branch, str(options.registry))


def _stacks(options: Options, source: RegistrySource) -> Stacks:
    program = options.program or (options.state / "clone" if options.git else Path())
    files = options.stack_files or program / "stacks"
    folder = options.state / "stacks"
    stacks = Stacks(program.resolve(), files.resolve(), options.stacks, folder.resolve(), source)
    stacks.declared()
    if options.stacks:
        # Raises an error if the folder is not in a project.
        _ = stacks.project
    return stacks


def _log_as_json() -> None:
    """Log one JSON object per line to standard error."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    # Warnings of promotions are logged in the same way.
    logging.getLogger("promotion").addHandler(_AsJson())


class _AsJson(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        """Log a record of the standard library."""
        structlog.get_logger().warning(record.getMessage())
