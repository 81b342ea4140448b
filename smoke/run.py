"""The command line of `python -m smoke`: what is asked, in which order it is told, and the exit code.

0: nothing failed. 1: something did. 2: it could not start, because of the arguments or of a mistake in the files.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import ssl
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from config.files.kubeconfig import path_of
from config.files.stack_file import stacks
from config.mistakes import Mistakes
from smoke import cluster, edge, server
from smoke.ask import Check
from smoke.checks import certificates, clocks, nodes, routes, signin, strangers, tunnel, versions, walls, workloads
from smoke.cluster import Kubectl, Unreadable
from smoke.plan import Address, Plan, address, load
from smoke.result import Group, Result, document, exit_code, fail, line, result, summary
from smoke.visitor import Visitor

ROOT = Path(__file__).resolve().parent.parent

_AT_A_TIME = 10
_FROM_THE_CLUSTER: Mapping[Group, Callable[[Plan, cluster.Cluster], Iterator[Result]]] = {
    "nodes": nodes.results,
    "pods": workloads.results,
    "walls": walls.results,
    "versions": versions.results,
}


def run(argv: Sequence[str]) -> int:
    """Check a platform, print what was found, and return the exit code."""
    options = _options(argv)
    begun = time.monotonic()
    try:
        plan = load(options.root, options.stack, options.url)
    except Mistakes as mistakes:
        print(mistakes, file=sys.stderr)
        return 2
    if plan.stack.sandbox and plan.address is None:
        others = [name for name in stacks(options.root) if name != plan.name]
        run = f"make smoke STACK={' or '.join(others) or 'NAME'}"
        print(f"smoke: nothing of the stack {plan.name} runs anywhere: it is a sandbox; run: {run}", file=sys.stderr)
        return 2
    kubectl = Kubectl(
        options.kubectl,
        options.kubeconfig or _kubeconfig(options.root, plan),
        options.context or plan.stack.cluster.context,
    )
    found: list[Result] = []
    for each in examine(plan, Visitor(plan.address), kubectl, _api(os.environ)):
        found.append(each)
        if not options.json:
            print(line(each), flush=True)
    seconds = time.monotonic() - begun
    print(json.dumps(document(found, seconds), indent=2) if options.json else summary(found, seconds))
    return exit_code(found)


def examine(plan: Plan, visitor: Visitor, kubectl: Kubectl, api: edge.Api | None) -> Iterator[Result]:
    """Every check of a platform, in order, each as soon as it and those before it are done.

    Args:
        plan: What should be there.
        visitor: Asks from outside.
        kubectl: Looks inside.
        api: Asks Cloudflare; None without a token.
    """
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        inside = pool.submit(_cluster, kubectl, plan)
        account = None if api is None else pool.submit(_edge, api, plan)
        time_of_edge = pool.submit(_time_of_edge, plan, visitor)
        way = _way(kubectl)
        shown = way if isinstance(way, server.Unknown) else pool.submit(_server, way)
        asked = [*routes.checks(plan), *signin.checks(plan), *strangers.headers(plan), *strangers.cookies(plan)]
        if plan.address is None:
            asked += routes.plain(plan)
        begun = [pool.submit(_asked, visitor, check) for check in asked]
        for future in begun:
            yield future.result()
        if plan.address is not None:
            yield result("routes", "http:// of all hosts", routes.plain_not_asked())
        yield from _certificates(plan, visitor, pool)
        answer = shown if isinstance(shown, server.Unknown) else shown.result()
        yield result("certificates", "kubeconfig", certificates.judge_client(way, time.time()))
        yield result("certificates", "API server", certificates.judge_server(answer, time.time()))
        yield from _clocks(plan, time_of_edge.result(), answer, inside)
        yield from _inside(plan, inside)
        if account is None:
            yield result("cloudflare", "DNS records and tunnel", tunnel.not_asked())
        else:
            yield from tunnel.results(plan, account.result())


def _asked(visitor: Visitor, check: Check) -> Result:
    return result(check.group, check.name, check.judge(tuple(visitor.ask(request) for request in check.asks)))


def _certificates(plan: Plan, visitor: Visitor, pool: ThreadPoolExecutor) -> Iterator[Result]:
    if plan.plain:
        yield result("certificates", "of all hosts", certificates.not_asked())
        return
    for host, seen in zip(plan.platform.hosts, pool.map(visitor.certificate, plan.platform.hosts), strict=True):
        yield result("certificates", f"https://{host}", certificates.judge(plan, seen, time.time()))


Shown = server.Server | server.Unknown | ssl.SSLCertVerificationError


def _way(kubectl: Kubectl) -> server.Entry | server.Unknown:
    if kubectl.kubeconfig is None:
        return server.Unknown("the stack's kubeconfig is not here, and kubectl chooses its own")
    try:
        return server.entry(kubectl.kubeconfig, kubectl.context)
    except server.Unknown as reason:
        return reason


def _server(way: server.Entry) -> Shown:
    try:
        return server.ask(way)
    except (server.Unknown, ssl.SSLCertVerificationError) as reason:
        return reason


def _time_of_edge(plan: Plan, visitor: Visitor) -> float | None:
    """By how many seconds Cloudflare's clock is before this machine's, where Cloudflare is asked."""
    if plan.address is not None or not plan.platform.hosts:
        return None
    reply = visitor.ask(clocks.asks(plan))
    return clocks.edge_ahead(reply, time.time())


def _clocks(
    plan: Plan, edge_ahead: float | None, shown: Shown, inside: Future[cluster.Cluster | Unreadable]
) -> Iterator[Result]:
    yield result("clocks", "this machine", clocks.judge_here(edge_ahead))
    seen = None if isinstance(shown, ssl.SSLCertVerificationError) else shown
    yield result("clocks", "API server", clocks.judge_server(seen, edge_ahead))
    found = inside.result()
    if not isinstance(found, Unreadable):
        yield from clocks.nodes(plan, found, edge_ahead)


def _cluster(kubectl: Kubectl, plan: Plan) -> cluster.Cluster | Unreadable:
    try:
        return cluster.read(kubectl, walls.namespaces(plan))
    except Unreadable as reason:
        return reason


def _inside(plan: Plan, seen: Future[cluster.Cluster | Unreadable]) -> Iterator[Result]:
    found = seen.result()
    for group, results in _FROM_THE_CLUSTER.items():
        if isinstance(found, Unreadable):
            yield result(group, "of the cluster", fail(found.reason, found.fix))
        else:
            yield from results(plan, found)


def _edge(api: edge.Api, plan: Plan) -> edge.Edge:
    ids = plan.stack.cloudflare
    return edge.read(api, ids.accountId, ids.zoneId, tunnel.name_of(plan), plan.platform.hosts)


def _api(environment: Mapping[str, str]) -> edge.Api | None:
    token = environment.get(edge.TOKEN, "").strip()
    return cloudflare_of(token) if token else None


def cloudflare_of(token: str) -> edge.Api:
    """Cloudflare's API for the holder of a token. No option leads to another address."""
    return edge.Api(token)


def _kubeconfig(root: Path, plan: Plan) -> Path | None:
    written = path_of(plan.stack.cluster.kubeconfig, root)
    return written if written.is_file() else None


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make smoke ARGS=...",
        description="Check a running platform from outside. It changes nothing, and sends no credentials anywhere but "
        f"the Cloudflare token in {edge.TOKEN}, if there is one, to Cloudflare.",
    )
    parser.add_argument("--stack", default="home", help="whose files say what should be there (default: home)")
    parser.add_argument("--kubeconfig", type=Path, metavar="PATH", help="default: what the stack file says")
    parser.add_argument("--context", metavar="NAME", help="default: what the stack file says")
    parser.add_argument("--url", type=_url, metavar="URL", help="send every request here, for whichever host it is")
    parser.add_argument("--kubectl", default=shutil.which("kubectl"), metavar="PATH", help="default: the one on PATH")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--root", type=Path, default=ROOT, metavar="DIR", help="where Pulumi.yaml is (default: here)")
    return parser.parse_args(argv)


def _url(text: str) -> Address:
    try:
        return address(text)
    except ValueError as wrong:
        raise argparse.ArgumentTypeError(str(wrong)) from None
