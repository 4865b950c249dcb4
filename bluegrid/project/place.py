"""Where a command works: what a stack's file says, and the options of the command in place of it.

-s north ──► stacks/Pulumi.north.yaml ─┐
--context, --namespace, … ─────────────┴─► Place
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bluegrid.project.stack_files import PREFIX, config_of, file_of, offered_by, sizes_of, stack_names
from bluegrid_registry import ConfigError
from bluegrid_registry.contract import NAMESPACE, service_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from bluegrid.project.project import Project
    from bluegrid_registry import OfferedService, Registry, Service

REGISTRY = Path("registry")
"""Default folder of registry files, from the project's folder."""


@dataclass(frozen=True)
class Place:
    """A region: its stack, its namespace in Kubernetes, its store. None: nothing names the value.

    Attributes:
        stacks: the folder of the stacks' files.
        stack: name of the stack.
        file: the stack's settings.
        region: name of the region in the registry.
        context: of the kubeconfig.
        namespace: in Kubernetes.
        kubeconfig: None: $KUBECONFIG, then ~/.kube/config.
        store: URL of the store.
        route_address: URL at which the services' routes are reached.
        host: host name of the services.
        has_tls: whether the stack has a certificate for the host.
        with_gateway: whether the stack's routes are HTTPRoutes.
        platform: the stack whose platform the stack uses; None: it makes its own.
    """

    stacks: Path
    stack: str | None
    file: Path | None
    region: str | None
    context: str | None
    namespace: str
    kubeconfig: Path | None
    store: str | None
    route_address: str | None
    host: str | None = None
    has_tls: bool = False
    with_gateway: bool = False
    platform: str | None = None

    @property
    def origin(self) -> str | None:
        """Scheme and host of the services' URLs; None: neither the host nor an address is known."""
        if self.host is None:
            return None if self.route_address is None else self.route_address.rstrip("/")
        is_https = self.has_tls or (self.route_address or "").startswith("https:")
        return f"{'https' if is_https else 'http'}://{self.host}"

    def url_of(self, service: str) -> str:
        """Return the URL of a service; only its path if no host is known."""
        return f"{self.origin or ''}{service_path(service)}"

    @property
    def required_stack(self) -> str:
        """Name of the stack; ConfigError if none is named."""
        if self.stack is None:
            raise ConfigError(f"no stack is named; {self._naming}")
        return self.stack

    @property
    def required_context(self) -> str:
        """Context of the kubeconfig; ConfigError if nothing names it: the default one is never used."""
        return self._required(self.context, "kubeContext", "--context")

    @property
    def required_store(self) -> str:
        """URL of the store; ConfigError if nothing names it."""
        return self._required(self.store, "store", "--store")

    def offered(self, registry: Registry) -> dict[str, OfferedService]:
        """Return the services of the region, by name; without a stack, clusters are as large as in YAML.

        Raises:
            ConfigError: the stack's file names a cluster that does not exist, or the region is not known and
                services differ by region.
        """
        if self.region is None:
            by_region = [
                file.service.name for file in registry.files if file.service and not _is_alike(file.service)
            ]
            if by_region:
                raise ConfigError(f"{', '.join(by_region)}: differ by region; {self._naming}")
        if self.file is None:
            return registry.offered(self.region or "")
        sizes = sizes_of(config_of(self.file), self.file)
        return offered_by(self.file, sizes, str(self.region), registry, self.platform)

    def has(self, service: Service) -> bool:
        """Whether the region has a service; without a region, whether any has."""
        return self.region is None or service.is_in(self.region, if_named=self.platform is not None)

    def _required(self, value: str | None, key: str, option: str) -> str:
        if value is not None:
            return value
        if self.file is not None:
            raise ConfigError(f"{self.file}: {PREFIX}{key} is not set; set it, or name it with {option}")
        raise ConfigError(
            f"no stack says the {option.removeprefix('--')}; {self._naming}, or name it with {option}"
        )

    @property
    def _naming(self) -> str:
        if declared := ", ".join(stack_names(self.stacks)):
            return f"name one with --stack (declared: {declared})"
        return f"name one with --stack, in the folder of a project (no stack is declared in {self.stacks})"


def resolve_place(
    stacks: Path,
    stack: str | None,
    *,
    config_file: Path | None = None,
    region: str | None = None,
    context: str | None = None,
    kubeconfig: Path | None = None,
    namespace: str | None = None,
    store: str | None = None,
    route_address: str | None = None,
    only_reads: bool = False,
) -> Place:
    """Resolve where a command works.

    A command that only reads and names no stack works in the stack whose file has the named context and
    namespace or, if neither is named, in the only stack of the project. A command that writes never guesses.

    Args:
        stacks: the folder of the stacks' files.
        stack: name of the stack; None: none is named.
        config_file: the stack's settings; None: its file in `stacks`.
        region: in place of what the stack's file says; so are the following.
        context: of the kubeconfig.
        kubeconfig: path of the kubeconfig.
        namespace: in Kubernetes.
        store: URL of the store.
        route_address: URL of the routes.
        only_reads: whether the command changes nothing.

    Raises:
        ConfigError: there is no such stack, its file cannot be read, or several stacks run in the context.
    """
    if stack is None and config_file is None and only_reads:
        stack = _only_stack(stacks, context, namespace)
    file = config_file or (None if stack is None else file_of(stacks, stack))
    config = {} if file is None else config_of(file)
    of_stack = _text(config, "kubeconfig")
    return Place(
        stacks=stacks,
        stack=stack,
        file=file,
        region=region or _text(config, "region") or stack,
        context=context or _text(config, "kubeContext"),
        namespace=namespace or _text(config, "namespace") or NAMESPACE,
        kubeconfig=kubeconfig or (None if of_stack is None else Path(of_stack).expanduser()),
        store=store or _text(config, "store"),
        route_address=route_address or _text(config, "routeAddress"),
        host=_text(config, "host"),
        has_tls=_text(config, "tlsSecret") is not None,
        with_gateway=_text(config, "gateway") is not None,
        platform=_text(config, "platform"),
    )


def registry_of(project: Project, stacks: Path, stack: str | None, config_file: Path | None = None) -> Path:
    """Return the folder of registry files of a stack; without one, the one that all stacks have in common.

    Args:
        project: the stacks' project, which their files name the folder from.
        stacks: the folder of the stacks' files.
        stack: name of the stack; None: none is named.
        config_file: the stack's settings; None: its file in `stacks`.

    Raises:
        ConfigError: there is no such stack, or its file cannot be read.
    """
    if config_file is not None or stack is not None:
        config = config_of(config_file or file_of(stacks, str(stack)))
        return project.folder / (_text(config, "registry") or REGISTRY)
    folders = {_text(config, "registry") for _, config in _readable(stacks, stack_names(stacks))}
    common = folders.pop() if len(folders) == 1 else None
    return project.folder / (common or REGISTRY)


def _only_stack(stacks: Path, context: str | None, namespace: str | None) -> str | None:
    names = stack_names(stacks)
    if context is not None or namespace is not None:
        names = [
            name
            for name, config in _readable(stacks, names)
            if context in (None, _text(config, "kubeContext"))
            and namespace in (None, _text(config, "namespace") or NAMESPACE)
        ]
        if context is not None and namespace is None and len(names) > 1:
            raise ConfigError(f"{', '.join(names)} run in context {context}; name one with --stack")
    return names[0] if len(names) == 1 else None


def _readable(stacks: Path, names: Iterable[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield stacks whose files can be read, with their settings."""
    for name in names:
        with suppress(ConfigError):
            yield name, config_of(file_of(stacks, name))


def _is_alike(service: Service) -> bool:
    """Whether a service is the same in all regions."""
    return isinstance(service.live, str) and service.regions is None


def _text(config: Mapping[str, Any], key: str) -> str | None:
    """Return a setting; None: it is not set, or empty, or encrypted."""
    value = config.get(PREFIX + key)
    return value if isinstance(value, str) and value else None
