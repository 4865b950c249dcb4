"""The programs that the demo and the tests need: version, source, and build of each.

Versions are pinned here, module versions and sums in `go/<source>/go.mod` and `go.sum`. Each program has its
own go.mod, because the programs require conflicting versions of Kubernetes' libraries.
"""

from __future__ import annotations

from dataclasses import dataclass

from tools.toolchain.versions import Range

KUBERNETES = "1.34.4"
PULUMI = "3.246.0"
PULUMI_KUBERNETES = "4.24.1"  # the SDK's; what is built here is a commit shortly after it
_KUBERNETES_LDFLAGS = (
    f"-X k8s.io/component-base/version.gitVersion=v{KUBERNETES}"
    " -X k8s.io/component-base/version.gitMajor=1"
    " -X k8s.io/component-base/version.gitMinor=34"
)
# Clients that run for seconds: optimising them takes minutes longer than it ever saves.
_UNOPTIMISED = "all=-N -l -dwarf=false"


@dataclass(frozen=True)
class Download:
    """An official release file.

    `{version}`, `{goarch}` (amd64), `{short}` (x64) and `{uname}` (x86_64) are filled in.

    Attributes:
        url: a program, or a .tar.gz that holds programs.
        sums: its published SHA-256, alone or in a list of `<sum> <file>` lines.
        binaries: the programs to extract.
    """

    url: str
    sums: str
    binaries: tuple[str, ...]


@dataclass(frozen=True)
class ModuleFile:
    """A YAML file that a program needs beside it, from a Go module.

    Attributes:
        path: a pattern; several matching files become one file.
    """

    module: str
    path: str
    name: str


@dataclass(frozen=True)
class Program:
    """One thing to obtain: programs that are built by one `go build`.

    Attributes:
        source: the folder under `go/` whose go.mod pins it.
        packages: the Go packages to build, one for each binary, in the same order.
        gcflags: compiler flags instead of the usual ones, `<pattern>=<flags>`.
        tags: build tags, separated by commas.
        fits: versions on PATH that are used instead; None: PATH is not searched.
        seconds: how long its build takes on 2 cores, after the programs above it in the table.
        megabytes: size on disk.
    """

    name: str
    version: str
    source: str
    packages: tuple[str, ...]
    binaries: tuple[str, ...]
    seconds: int
    megabytes: int
    ldflags: str = ""
    gcflags: str = ""
    tags: str = ""
    files: tuple[ModuleFile, ...] = ()
    downloads: tuple[Download, ...] = ()
    fits: Range | None = None


def _github(project: str, archive: str, sums: str, *binaries: str) -> tuple[Download, ...]:
    release = f"https://github.com/{project}/releases/download/v{{version}}"
    return (Download(f"{release}/{archive}", f"{release}/{sums}", binaries),)


def _kubernetes(*binaries: str) -> tuple[Download, ...]:
    folder = "https://dl.k8s.io/v{version}/bin/linux/{goarch}"
    return tuple(Download(f"{folder}/{name}", f"{folder}/{name}.sha256", (name,)) for name in binaries)


_NODE_BINARIES = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy")

# In build order: programs that share packages are next to each other.
PROGRAMS = (
    Program("pause", "1", "pause", (".",), ("pause",), seconds=20, megabytes=2),
    Program(
        "etcd",
        "3.6.14",
        "etcd",
        ("go.etcd.io/etcd/server/v3",),
        ("etcd",),
        seconds=110,
        megabytes=26,
        downloads=_github("etcd-io/etcd", "etcd-v{version}-linux-{goarch}.tar.gz", "SHA256SUMS", "etcd"),
    ),
    Program(
        "kubernetes",
        KUBERNETES,
        "kubernetes",
        tuple(f"k8s.io/kubernetes/cmd/{name}" for name in _NODE_BINARIES),
        _NODE_BINARIES,
        seconds=370,
        megabytes=405,
        ldflags=_KUBERNETES_LDFLAGS,
        downloads=_kubernetes(*_NODE_BINARIES),
    ),
    Program(
        "kubectl",
        KUBERNETES,
        "kubernetes",
        ("k8s.io/kubernetes/cmd/kubectl",),
        ("kubectl",),
        seconds=30,
        megabytes=59,
        ldflags=_KUBERNETES_LDFLAGS,
        downloads=_kubernetes("kubectl"),
        # Two minor versions from the node's: one more than is supported, enough for get, apply and rollout.
        fits=Range((1, 32, 0), (1, 37, 0)),
    ),
    Program(
        "metrics-server",
        "0.9.0",
        "metrics-server",
        ("sigs.k8s.io/metrics-server/cmd/metrics-server",),
        ("metrics-server",),
        seconds=100,
        megabytes=70,
    ),
    Program(
        "versitygw",
        "1.8.0",
        "versitygw",
        ("github.com/versity/versitygw/cmd/versitygw",),
        ("versitygw",),
        seconds=75,
        megabytes=59,
        ldflags="-X main.Version=1.8.0",
        downloads=_github(
            "versity/versitygw", "versitygw_v{version}_Linux_{uname}.tar.gz", "checksums.txt", "versitygw"
        ),
    ),
    Program(
        "contour",
        "1.33.8",
        "contour",
        ("github.com/projectcontour/contour/cmd/contour",),
        ("contour",),
        seconds=120,
        megabytes=60,
        files=(
            ModuleFile(
                "github.com/projectcontour/contour", "examples/contour/01-crds.yaml", "contour-crds.yaml"
            ),
            # The standard channel of the Gateway API; the experimental channel has more.
            ModuleFile("sigs.k8s.io/gateway-api", "config/crd/standard/*.yaml", "gateway-crds.yaml"),
        ),
    ),
    Program(
        "pulumi",
        PULUMI,
        "pulumi",
        ("github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",),
        ("pulumi",),
        seconds=190,
        megabytes=106,
        ldflags=f"-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{PULUMI}",
        gcflags=_UNOPTIMISED,
        downloads=(
            Download(
                "https://get.pulumi.com/releases/sdk/pulumi-v{version}-linux-{short}.tar.gz",
                "https://get.pulumi.com/releases/sdk/pulumi-{version}-checksums.txt",
                ("pulumi", "pulumi-language-python", "pulumi-language-python-exec"),
            ),
        ),
        # Since 3.238 a failing hook fails the update: the gate relies on this.
        fits=Range((3, 238, 0), (4, 0, 0)),
    ),
    Program(
        "pulumi-resource-kubernetes",
        PULUMI_KUBERNETES,
        "pulumi-resource-kubernetes",
        (".",),
        ("pulumi-resource-kubernetes",),
        seconds=415,
        megabytes=154,
        gcflags=_UNOPTIMISED,
        downloads=_github(
            "pulumi/pulumi-kubernetes",
            "pulumi-resource-kubernetes-v{version}-linux-{goarch}.tar.gz",
            "pulumi-kubernetes_{version}_checksums.txt",
            "pulumi-resource-kubernetes",
        ),
        # 4.18 to 4.23 take gigabytes of memory (pulumi-kubernetes issue 3713).
        fits=Range((4, 24, 0), (5, 0, 0)),
    ),
)

_KWOK_STAGES = (
    *("pod/fast/pod-ready", "pod/fast/pod-complete", "pod/fast/pod-delete"),
    *("node/fast/node-initialize", "node/heartbeat-with-lease/node-heartbeat-with-lease"),
)
_ARGO_KINDS = ("rollout", "experiment", "analysis-run", "analysis-template", "cluster-analysis-template")

# Programs of single benchmarks and tests: obtained by name, never part of an installation.
PEERS = (
    Program(
        "gofakes3",
        "1.2.0",
        "gofakes3",
        ("github.com/johannesboyne/gofakes3/cmd/gofakes3",),
        ("gofakes3",),
        seconds=30,
        megabytes=20,
    ),
    Program(
        "s5cmd",
        "2.3.0",
        "s5cmd",
        ("github.com/peak/s5cmd/v2",),
        ("s5cmd",),
        seconds=30,
        megabytes=16,
        ldflags="-X github.com/peak/s5cmd/v2/version.Version=v2.3.0",
    ),
    Program(
        "pulumi-language-yaml",
        "1.25.0",
        "pulumi-language-yaml",
        ("github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml",),
        ("pulumi-language-yaml",),
        seconds=150,
        megabytes=51,
        gcflags=_UNOPTIMISED,
        downloads=(
            Download(
                f"https://get.pulumi.com/releases/sdk/pulumi-v{PULUMI}-linux-{{short}}.tar.gz",
                f"https://get.pulumi.com/releases/sdk/pulumi-{PULUMI}-checksums.txt",
                ("pulumi-language-yaml",),
            ),
        ),
    ),
    Program(
        "kwok",
        "0.8.0",
        "kwok",
        ("sigs.k8s.io/kwok/cmd/kwok",),
        ("kwok",),
        seconds=70,
        megabytes=77,
        gcflags=_UNOPTIMISED,
        files=tuple(
            ModuleFile("sigs.k8s.io/kwok", f"kustomize/stage/{path}.yaml", f"{path.rpartition('/')[2]}.yaml")
            for path in _KWOK_STAGES
        ),
    ),
    Program(
        "argo-rollouts",
        "1.10.1",
        "argo-rollouts",
        ("github.com/argoproj/argo-rollouts/cmd/rollouts-controller",),
        ("rollouts-controller",),
        seconds=200,
        megabytes=115,
        files=tuple(
            ModuleFile(
                "github.com/argoproj/argo-rollouts", f"manifests/crds/{kind}-crd.yaml", f"{kind}-crd.yaml"
            )
            for kind in _ARGO_KINDS
        ),
    ),
    Program(
        "promtool",
        "3.15.1",
        "promtool",
        ("github.com/prometheus/prometheus/cmd/promtool",),
        ("promtool",),
        seconds=130,
        megabytes=54,
        # Without service discovery, the clients of two dozen clouds.
        tags="remove_all_sd",
        downloads=_github(
            "prometheus/prometheus",
            "prometheus-{version}.linux-{goarch}.tar.gz",
            "sha256sums.txt",
            "promtool",
        ),
    ),
    Program(
        "actionlint",
        "1.7.12",
        "actionlint",
        ("github.com/rhysd/actionlint/cmd/actionlint",),
        ("actionlint",),
        seconds=10,
        megabytes=6,
        downloads=_github(
            "rhysd/actionlint",
            "actionlint_{version}_linux_{goarch}.tar.gz",
            "actionlint_{version}_checksums.txt",
            "actionlint",
        ),
    ),
)

# The programs for a cluster that the user named; all others are for the local node.
CLIENTS = ("kubectl", "pulumi", "pulumi-resource-kubernetes")
