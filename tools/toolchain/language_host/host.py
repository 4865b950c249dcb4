"""A stand-in for the official language host, for machines that cannot obtain it.

The engine starts `pulumi-language-python ENGINE_ADDRESS`, reads a port from its first line and calls the gRPC
service LanguageRuntime there (proto/pulumi/language.proto in Pulumi's repository). The SDK brings such a
service for the Automation API; this module lets it run the project's `__main__.py`.

Deliberately missing: installing packages, `pulumi new`, attaching a debugger, other entry points.
"""

from __future__ import annotations

import atexit
import os
import runpy
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
from pulumi.automation._server import LanguageServer
from pulumi.runtime.proto import language_pb2, language_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

ENTRY_POINT = "__main__.py"
_PROVIDER = "PulumiPlugin.yaml"
"""File of a folder with a provider, whose `__main__.py` is run; that of a policy pack has another name."""
PARENT_CHECK_SECONDS = 1.0
MAX_MESSAGE_BYTES = 400 * 1024 * 1024  # what the engine and the SDK allow each other


class Host(LanguageServer):
    """Runs the project in the folder that the engine names, in this process."""

    def __init__(self, engine_address: str) -> None:
        super().__init__(program=_program)
        self._engine_address = engine_address

    def Run(  # noqa: N802 - named by the protocol
        self, request: language_pb2.RunRequest, context: grpc.ServicerContext
    ) -> language_pb2.RunResponse:
        """Run the program once; errors have been logged to the engine when this returns."""
        folder = request.info.program_directory or request.pwd
        os.chdir(folder)
        sys.path.insert(0, folder)
        request.args.insert(0, self._engine_address)
        try:
            response = super().Run(request, context)  # type: ignore[no-untyped-call]
        finally:
            sys.path.remove(folder)
            # As at the end of the process that a program has in the official host: the client of Kubernetes
            # removes its files of certificates and keys then. The engine kills this process.
            atexit._run_exitfuncs()
        # `bail` says that the user has seen the error: with `error` the engine would print it a second time.
        return language_pb2.RunResponse(bail=True) if response.error else response

    def InstallDependencies(  # noqa: N802 - named by the protocol
        self, request: language_pb2.InstallDependenciesRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.InstallDependenciesResponse]:
        """Install nothing: a program and a plugin have the packages of this environment."""
        del request, context
        yield language_pb2.InstallDependenciesResponse()

    def RunPlugin(  # noqa: N802 - named by the protocol
        self, request: language_pb2.RunPluginRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.RunPluginResponse]:
        """Run a provider or a policy pack; the engine reads its port from the first line that it prints."""
        folder = request.info.program_directory
        if Path(folder, _PROVIDER).exists():
            what = [folder, *request.args]
        else:
            what = ["-m", "pulumi.policy", *request.args, folder]
        # Unbuffered: the SDK does not flush that line.
        command = [sys.executable, "-u", *what]
        environment = dict(each.split("=", 1) for each in request.env) or None
        with subprocess.Popen(command, cwd=request.pwd, env=environment, stdout=subprocess.PIPE) as pack:
            context.add_callback(pack.terminate)
            for line in pack.stdout or ():
                yield language_pb2.RunPluginResponse(stdout=line)
        yield language_pb2.RunPluginResponse(exitcode=pack.returncode)


def _program() -> None:
    runpy.run_path(ENTRY_POINT, run_name="__main__")


def serve(engine_address: str) -> None:
    """Serve until a signal comes or the engine is gone."""
    engine = os.getppid()
    _exit_quietly_on_signals()
    limits = [(f"grpc.max_{way}_message_length", MAX_MESSAGE_BYTES) for way in ("receive", "send")]
    server = grpc.server(ThreadPoolExecutor(max_workers=4), options=limits)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(Host(engine_address), server)
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start()
    while os.getppid() == engine:
        server.wait_for_termination(timeout=PARENT_CHECK_SECONDS)
    os._exit(0)


def _exit_quietly_on_signals() -> None:
    """Exit without a traceback: all output of this process appears in the user's terminal."""

    def leave(number: int, frame: FrameType | None) -> None:
        del number, frame
        os._exit(0)

    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, leave)


if __name__ == "__main__":
    serve(sys.argv[1])
