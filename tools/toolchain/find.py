"""Programs that the machine already has, in a supported version."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from tools.toolchain import cache, versions

if TYPE_CHECKING:
    from collections.abc import Callable

    from tools.toolchain.programs import Program
    from tools.toolchain.versions import Version

LANGUAGE_HOST = "pulumi-language-python"
_SECONDS = 20


def find(program: Program) -> Path | None:
    """Return the machine's own program to use, or None."""
    if program.fits is None:
        return None
    on_path = which(program.name)
    if on_path and (_VERSION_OF[program.name](on_path) or (0, 0, 0)) in program.fits:
        return on_path
    return _plugin(program) if program.name.startswith("pulumi-resource-") else None


def language_host(pulumi: Path) -> Path | None:
    """Return Pulumi's own host of Python programs, beside a `pulumi` or on PATH."""
    beside = pulumi.resolve().with_name(LANGUAGE_HOST)
    return beside if beside.is_file() else which(LANGUAGE_HOST)


def which(name: str) -> Path | None:
    """Return the first program of this name on PATH that is not from our cache."""
    folders = os.get_exec_path()
    found = shutil.which(name, path=os.pathsep.join(each for each in folders if not _ours(Path(each))))
    return Path(found) if found else None


def _ours(folder: Path) -> bool:
    return folder.is_relative_to(cache.programs())


def _plugin(program: Program) -> Path | None:
    """Return the newest supported version among the plugins that Pulumi has installed."""
    home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    kind = program.name.removeprefix("pulumi-")
    fitting = [
        (version, folder / program.name)
        for folder in (home / "plugins").glob(f"{kind}-v*")
        if (version := versions.parse(folder.name))
        and program.fits
        and version in program.fits
        and (folder / program.name).is_file()
        and not folder.with_name(folder.name + ".partial").exists()  # Pulumi is still unpacking it
    ]
    return max(fitting)[1] if fitting else None


def _output_of(*command: str | Path) -> str:
    """Return the output of a program; empty if it fails."""
    quiet = os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        done = subprocess.run(
            command,
            env=quiet,
            capture_output=True,
            text=True,
            check=True,
            timeout=_SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout


def _pulumi(program: Path) -> Version | None:
    return versions.parse(_output_of(program, "version"))


def _kubectl(program: Path) -> Version | None:
    try:
        return versions.parse(
            json.loads(_output_of(program, "version", "--client", "-o", "json"))["clientVersion"][
                "gitVersion"
            ]
        )
    except (ValueError, KeyError, TypeError):
        return None


def _provider(program: Path) -> Version | None:
    """Return the version of a provider by gRPC, as the engine does: providers have no option for it."""
    import grpc
    from google.protobuf.empty_pb2 import Empty
    from pulumi.runtime.proto import provider_pb2_grpc

    with subprocess.Popen(
        [program, "127.0.0.1:1"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            port = re.match(r"\d+", process.stdout.readline() if process.stdout else "")
            if port is None:
                return None
            with grpc.insecure_channel(f"127.0.0.1:{port[0]}") as channel:
                info = provider_pb2_grpc.ResourceProviderStub(channel).GetPluginInfo(
                    Empty(), timeout=_SECONDS
                )
            return versions.parse(info.version)
        except grpc.RpcError:
            return None
        finally:
            process.kill()


_VERSION_OF: dict[str, Callable[[Path], Version | None]] = {
    "pulumi": _pulumi,
    "kubectl": _kubectl,
    "pulumi-resource-kubernetes": _provider,
}
