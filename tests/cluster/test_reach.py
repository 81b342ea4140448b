"""Who can reach whom: the published matrix, what must hold in it, and that a broken wall would be noticed (rule 32).

The published files only say what is. What must be is said here once more, from the routes, the workspace files and
plain numbers, so that a wrong matrix cannot be published by accident.
"""

from __future__ import annotations

import copy
import ipaddress
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from config.app import App
from config.ports import AppPort
from config.routes import ports_of
from config.workspace import Workspace
from manifests import names
from tests.cluster import reach
from tests.cluster.reach import DNS, End, Halves, Manifest, Matrix, Port
from tests.real.stacks import Rendered

CONTROLLER = "warren-ingress/ingress-controller"
CLOUDFLARED = "warren-tunnel/cloudflared"
PROXY, DEX, API = Port(4180, "TCP"), Port(5556, "TCP"), Port(6443, "TCP")
DEX_GOES_TO = {"mcd": [443], "suite": [443], "team": [443], "club": [443, 636, 8443]}
"""TCP ports of the workspaces' identity providers, as their addresses say."""

STACKS = [("everything", "traefik"), ("everything", "nginx"), ("home", "traefik")]

Rendering = Callable[[str, str], Rendered]
Judging = Callable[[str, str], Matrix]


@pytest.fixture(scope="module")
def judged(rendered: Rendering) -> Judging:
    """The matrix of a stack, judged once."""
    return cache(lambda stack, controller: reach.matrix(rendered(stack, controller), controller))


# What is published.


@pytest.mark.parametrize("path", [reach.READABLE, reach.COMPLETE], ids=lambda path: path.name)
def test_the_published_matrix_is_the_one_of_today(path: Path, judged: Judging) -> None:
    today = reach.published(judged)
    assert path.read_text(encoding="utf-8") == today[path], f"run `{reach.COMMAND}`, and read what changes"


def test_nginx_in_place_of_traefik_moves_no_wall(judged: Judging) -> None:
    traefik, nginx = (reach.statements(judged("everything", controller)) for controller in ("traefik", "nginx"))
    assert [line.split() for line in traefik if line not in nginx] == [["8080/tcp", "ping", "<-", "nobody"]]
    assert [line.split() for line in nginx if line not in traefik] == [["10254/tcp", "health", "<-", "nobody"]]
    assert len(traefik) == len(nginx)


def test_a_workspace_has_the_same_walls_whoever_its_neighbours_are(judged: Judging) -> None:
    alone, together = judged("suite", "traefik"), judged("everything", "traefik")
    common = set(alone.named("ours"))

    def between_them(matrix: Matrix) -> set[tuple[str, str, Port]]:
        return {(*pair, port) for pair, ports in matrix.open.items() for port in ports if common.issuperset(pair)}

    assert len(common) == 9
    assert between_them(alone) == between_them(together) != set()


# What must hold. Each of these yields a line for every connection that breaks it.


def apps(matrix: Matrix, namespace: str | None = None) -> list[End]:
    found = [end for end in matrix.ends.values() if end.kind == "ours" and names.APP_LABEL in end.labels]
    return [end for end in found if namespace in (None, end.namespace)]


def doors(matrix: Matrix, role: str) -> list[End]:
    """The Dexes, or the OAuth2-Proxies."""
    found = [end for end in matrix.ends.values() if end.kind == "ours" and names.APP_LABEL not in end.labels]
    return [end for end in found if end.name.partition("/")[2].startswith(role)]


def routed(stack: Rendered) -> set[tuple[str, int]]:
    """Pod and container port behind every Ingress, by what the objects say: Ingress, Service, pod labels."""
    services = {(s["metadata"]["namespace"], s["metadata"]["name"]): s["spec"] for s in stack.of("Service")}
    found = set()
    for ingress in stack.of("Ingress"):
        namespace = ingress["metadata"]["namespace"]
        for path in (path for rule in ingress["spec"]["rules"] for path in rule["http"]["paths"]):
            wanted = path["backend"]["service"]
            service = services[namespace, wanted["name"]]
            [port] = [p for p in service["ports"] if wanted["port"] in ({"name": p["name"]}, {"number": p["port"]})]
            for manifest, template in reach.templates(stack.manifests):
                if manifest["metadata"]["namespace"] != namespace:
                    continue
                if service["selector"].items() <= template["metadata"]["labels"].items():
                    found.add((f"{namespace}/{manifest['metadata']['name']}", _number(template, port["targetPort"])))
    return found


def _number(template: Manifest, target: int | str) -> int:
    if isinstance(target, int):
        return target
    ports = [port for container in template["spec"]["containers"] for port in container.get("ports", ())]
    [number] = [port["containerPort"] for port in ports if port.get("name") == target]
    return int(number)


def _only(matrix: Matrix, name: str, port: Port, *wanted: str) -> Iterator[str]:
    """A line unless exactly these reach a port."""
    if (found := matrix.sources(name, port)) != set(wanted):
        yield f"{name} {port} is reached by {sorted(found)}, not by {sorted(wanted)}"


def _exactly(matrix: Matrix, source: str, destination: str, wanted: Iterable[Port]) -> Iterator[str]:
    """A line unless a source reaches exactly these ports of a destination."""
    if (found := set(matrix.open.get((source, destination), ()))) != (expected := set(wanted)):
        yield f"{source} -> {destination}: {sorted(map(str, found))}, not {sorted(map(str, expected))}"


def between(stack: Rendered) -> dict[tuple[str, str], set[Port]]:
    """Source and destination in two workspaces -> the ports that both files say."""
    known = {workspace.name: workspace for workspace in stack.platform.workspaces}
    found: dict[tuple[str, str], set[Port]] = {}
    for user in known.values():
        for name, app in user.apps.items():
            for use in app.uses:
                other = known[use.app.split("/")[0]].apps[use.app.split("/")[1]]
                port = other.ports[use.port or "http"] if other.ports else other.port
                assert port is not None
                assert user.name in port.offeredTo
                found.setdefault((f"{user.name}/{name}", use.app), set()).add(Port(port.number, port.protocol))
    return found


def neither_side_opens_a_way_between_workspaces(matrix: Matrix, stack: Rendered) -> Iterator[str]:
    """Both sides are closed, so that one mistake opens nothing; but for what both files say."""
    workspaces = {workspace.name for workspace in stack.platform.workspaces}
    said = between(stack)
    for side in ("ingress", "egress"):
        for (source, destination), ports in matrix.allowed_by(side).items():
            here, there = matrix.ends[source].namespace, matrix.ends[destination].namespace
            if here != there and {here, there} <= workspaces and set(ports) - said.get((source, destination), set()):
                yield f"{source} -> {destination}, by the {side} side"


def what_both_files_say_is_open(matrix: Matrix, stack: Rendered) -> Iterator[str]:
    for (source, destination), ports in between(stack).items():
        yield from _exactly(matrix, source, destination, ports)


def a_port_with_a_route_is_the_controllers_alone(matrix: Matrix, stack: Rendered) -> Iterator[str]:
    """Decision 0010: nobody else could be believed an identity header, but by a word at the port."""
    for name, number in routed(stack):
        if names.APP_LABEL in matrix.ends[name].labels:
            shared = apps(matrix, matrix.ends[name].namespace) if _port(stack, name, number).siblings else []
            port = Port(number, "TCP")
            others = _others(stack, name, port)
            yield from _only(matrix, name, port, CONTROLLER, *(other.name for other in shared), *others)


def _others(stack: Rendered, name: str, port: Port) -> list[str]:
    """The apps of other workspaces that both files let in."""
    return [source for (source, there), ports in between(stack).items() if there == name and port in ports]


def _port(stack: Rendered, name: str, number: int) -> AppPort:
    """What an app's file says of a port; of a static folder's nothing."""
    found = [port for port in ports_of(_app(stack, name)).values() if port.number == number]
    return found[0] if found else AppPort(number=number)


def _app(stack: Rendered, name: str) -> App:
    namespace, _, app = name.partition("/")
    return {workspace.name: workspace for workspace in stack.platform.workspaces}[namespace].apps[app]


def _from_home(matrix: Matrix, stack: Rendered, name: str, port: Port) -> set[str]:
    """The machines at home to which both files offer a port, by plain numbers."""
    given = stack.platform.stack.loadBalancers.get(name)
    if given is None or names.APP_LABEL not in matrix.ends[name].labels:
        return set()
    mine = [each for each in ports_of(_app(stack, name)).values() if (each.number, each.protocol) == port]
    if not any(f"{each.loadBalancer}/{each.protocol}" in given.ports for each in mine):
        return set()
    networks = [ipaddress.ip_network(cidr) for cidr in given.loadBalancerSourceRanges]
    home = [end for end in matrix.ends.values() if end.name.startswith("home")]
    return {end.name for end in home if any(ipaddress.ip_address(end.ip) in network for network in networks)}


def a_port_without_a_route_is_for_apps_of_its_workspace(matrix: Matrix, stack: Rendered) -> Iterator[str]:
    """Decision 0010 again; sign-in's own pods are not among them."""
    behind = routed(stack)
    for app in apps(matrix):
        for port in app.ports:
            if (app.name, port.number) not in behind:
                siblings = [other.name for other in apps(matrix, app.namespace)]
                others = [*_others(stack, app.name, port), *_from_home(matrix, stack, app.name, port)]
                yield from _only(matrix, app.name, port, *siblings, *others)


def a_port_that_no_container_names_is_closed(matrix: Matrix, stack: Rendered) -> Iterator[str]:
    for (source, destination), ports in matrix.open.items():
        end = matrix.ends[destination]
        if end.walled and not set(ports) <= set(end.ports):
            yield f"{source} -> {destination}: {[str(port) for port in ports if port not in end.ports]}"


def an_oauth2_proxy_answers_the_controller_only(matrix: Matrix, stack: Rendered) -> Iterator[str]:
    for proxy in doors(matrix, "oauth2-proxy"):
        yield from _only(matrix, proxy.name, PROXY, CONTROLLER)


def dex_answers_the_controller_and_its_own_proxies(matrix: Matrix, stack: Rendered) -> Iterator[str]:
    for dex in doors(matrix, "dex"):
        proxies = [proxy.name for proxy in doors(matrix, "oauth2-proxy") if proxy.namespace == dex.namespace]
        yield from _only(matrix, dex.name, DEX, CONTROLLER, *proxies)


def the_controller_answers_cloudflared_only(matrix: Matrix, stack: Rendered) -> Iterator[str]:
    yield from _only(matrix, CONTROLLER, Port(8000, "TCP"), CLOUDFLARED)


def metrics_and_probes_are_open_to_nobody(matrix: Matrix, stack: Rendered) -> Iterator[str]:
    closed = [(proxy.name, Port(44180, "TCP")) for proxy in doors(matrix, "oauth2-proxy")]
    closed += [(dex.name, Port(5558, "TCP")) for dex in doors(matrix, "dex")]
    closed += [(CLOUDFLARED, Port(2000, "TCP"))]
    closed += [(CONTROLLER, port) for port in matrix.ends[CONTROLLER].ports if port.number != 8000]
    assert all(port in matrix.ends[name].ports for name, port in closed), "a port has moved"
    for name, port in closed:
        yield from _only(matrix, name, port)


def nothing_comes_in_from_elsewhere(matrix: Matrix, stack: Rendered) -> Iterator[str]:
    """Not from other namespaces, whatever labels a pod there wears, and not from nodes or the internet.

    From home only where both files say so; who that is, another property says.
    """
    for (source, destination), ports in matrix.open.items():
        offered = [port for port in ports if source in _from_home(matrix, stack, destination, port)]
        if not matrix.ends[source].walled and list(ports) != offered:
            yield f"{source} -> {destination}: {', '.join(map(str, ports))}"


def nothing_goes_to_other_namespaces_but_to_their_dns(matrix: Matrix, stack: Rendered) -> Iterator[str]:
    for source in matrix.named("ours"):
        yield from _exactly(matrix, source, DNS, [Port(53, "UDP"), Port(53, "TCP")])
    for (source, destination), ports in matrix.open.items():
        if matrix.ends[destination].kind == "strange" and destination != DNS:
            yield f"{source} -> {destination}: {', '.join(map(str, ports))}"


def a_pod_that_nobody_planned_reaches_nothing_and_is_reached_by_nobody(
    matrix: Matrix, stack: Rendered
) -> Iterator[str]:
    strays = set(matrix.named("stray"))
    for (source, destination), ports in matrix.open.items():
        if strays & {source, destination}:
            yield f"{source} -> {destination}: {', '.join(map(str, ports))}"


def _workspace(stack: Rendered, end: End) -> Workspace | None:
    """The workspace whose openings a pod has: apps and Dex."""
    if names.APP_LABEL not in end.labels and not end.name.endswith("/dex"):
        return None
    return {workspace.name: workspace for workspace in stack.platform.workspaces}[end.namespace]


def _has_an_account(stack: Rendered, end: End) -> bool:
    """Whether a pod is an app's that may ask the API server."""
    workspace, app = _workspace(stack, end), end.labels.get(names.APP_LABEL)
    return workspace is not None and app is not None and workspace.apps[app].serviceAccount is not None


def _declared(matrix: Matrix, workspace: Workspace | None, ip: str) -> set[Port]:
    """The ports at an address that a workspace's file opens."""
    openings = () if workspace is None else workspace.egress.allow
    return {
        port
        for opening in openings
        for port in matrix.ports
        if ipaddress.ip_address(ip) in ipaddress.ip_network(opening.cidr)
        and (not opening.ports or (port.protocol == "TCP" and port.number in opening.ports))
    }


def home_is_reached_through_declared_openings_only(matrix: Matrix, stack: Rendered) -> Iterator[str]:
    """Nor are the metadata address and a Service's own address."""
    kinds = ("home", "metadata", "service")
    for end in matrix.ends.values():
        for there in matrix.named("outside"):
            if end.walled and there.startswith(kinds):
                workspace = _workspace(stack, end) if end.kind == "ours" else None
                yield from _exactly(matrix, end.name, there, _declared(matrix, workspace, matrix.ends[there].ip))


def of_the_nodes_only_the_api_server_is_reached_and_by_who_has_an_account(
    matrix: Matrix, stack: Rendered
) -> Iterator[str]:
    for end in matrix.ends.values():
        for there in matrix.named("outside"):
            if end.walled and there.startswith("node"):
                asks = end.name == CONTROLLER or (
                    end.kind == "ours" and (end.name.endswith("/dex") or _has_an_account(stack, end))
                )
                wanted = [API] if asks and "control-plane" in there else []
                yield from _exactly(matrix, end.name, there, wanted)


def the_internet_is_reached_where_the_files_say(matrix: Matrix, stack: Rendered) -> Iterator[str]:
    for end in matrix.ends.values():
        workspace = _workspace(stack, end) if end.kind == "ours" else None
        wanted: Iterable[Port] = []
        if end.name == CLOUDFLARED:
            wanted = [Port(7844, "TCP"), Port(7844, "UDP")]
        elif workspace is not None and end.name.endswith("/dex"):
            wanted = [Port(number, "TCP") for number in DEX_GOES_TO[workspace.name]]
        elif workspace is not None and workspace.egress.internet:
            wanted = matrix.ports
        for there in reach.INTERNET if end.walled else ():
            yield from _exactly(matrix, end.name, there, wanted)


def what_is_offered_at_home_is_reached_from_there(matrix: Matrix, stack: Rendered) -> Iterator[str]:
    for name in stack.platform.stack.loadBalancers:
        for port in matrix.ends[name].ports:
            wanted = _from_home(matrix, stack, name, port)
            if (found := {each for each in matrix.sources(name, port) if each.startswith(("home", "node"))}) != wanted:
                yield f"{name} {port} is reached by {sorted(found)}, not by {sorted(wanted)}"


def nobody_is_let_in_who_may_not_come(matrix: Matrix, stack: Rendered) -> Iterator[str]:
    """An opening on the inner side alone does nothing today, and waits for a mistake on the other side."""
    for pair, ports in matrix.allowed_by("ingress").items():
        if idle := set(ports) - set(matrix.open.get(pair, ())):
            yield f"{pair[0]} -> {pair[1]}: {', '.join(sorted(map(str, idle)))}"


Property = Callable[[Matrix, Rendered], Iterator[str]]

PROPERTIES: list[Property] = [
    neither_side_opens_a_way_between_workspaces,
    what_both_files_say_is_open,
    a_port_with_a_route_is_the_controllers_alone,
    a_port_without_a_route_is_for_apps_of_its_workspace,
    a_port_that_no_container_names_is_closed,
    an_oauth2_proxy_answers_the_controller_only,
    dex_answers_the_controller_and_its_own_proxies,
    the_controller_answers_cloudflared_only,
    metrics_and_probes_are_open_to_nobody,
    nothing_comes_in_from_elsewhere,
    nothing_goes_to_other_namespaces_but_to_their_dns,
    a_pod_that_nobody_planned_reaches_nothing_and_is_reached_by_nobody,
    home_is_reached_through_declared_openings_only,
    of_the_nodes_only_the_api_server_is_reached_and_by_who_has_an_account,
    the_internet_is_reached_where_the_files_say,
    what_is_offered_at_home_is_reached_from_there,
    nobody_is_let_in_who_may_not_come,
]


@pytest.mark.parametrize("case", STACKS, ids="-".join)
@pytest.mark.parametrize("holds", PROPERTIES, ids=lambda holds: holds.__name__)
def test_rule_32(holds: Property, case: tuple[str, str], rendered: Rendering, judged: Judging) -> None:
    assert list(holds(judged(*case), rendered(*case))) == []


def test_what_must_hold_is_about_something(rendered: Rendering, judged: Judging) -> None:
    matrix = judged("everything", "traefik")
    assert len(routed(rendered("everything", "traefik"))) > 10
    assert len(apps(matrix)) > 10
    assert len(doors(matrix, "dex")) == 3
    assert len(doors(matrix, "oauth2-proxy")) == 4
    assert len(matrix.named("ours")) == len(apps(matrix)) + 3 + 4 + 2


@pytest.mark.parametrize("case", STACKS, ids="-".join)
def test_no_pod_is_on_its_nodes_network_where_no_policy_holds(case: tuple[str, str], rendered: Rendering) -> None:
    stack = rendered(*case)
    said = {
        (workspace.name, name)
        for workspace in stack.platform.workspaces
        for name, app in workspace.apps.items()
        if app.hostNetwork
    }
    for manifest, template in reach.templates(stack.manifests):
        containers = [*template["spec"]["containers"], *template["spec"].get("initContainers", ())]
        metadata = manifest["metadata"]
        named = (metadata.get("namespace"), metadata["name"]) in said
        assert bool(template["spec"].get("hostNetwork")) is named, metadata
        assert not any("hostPort" in port for each in containers for port in each.get("ports", ()))


# A broken wall is noticed.


def _spec(walls: list[Manifest], name: str) -> Manifest:
    """The spec of one policy: ``namespace/name``."""
    [found] = [wall for wall in walls if f"{wall['metadata']['namespace']}/{wall['metadata']['name']}" == name]
    spec: Manifest = found["spec"]
    return spec


def _peers(walls: list[Manifest], name: str) -> list[Manifest]:
    """Who a policy's first ingress rule lets in."""
    peers: list[Manifest] = _spec(walls, name)["ingress"][0]["from"]
    return peers


SIBLINGS: Manifest = {"podSelector": {"matchExpressions": [{"key": "warren/app", "operator": "Exists"}]}}


def _without_default_deny(walls: list[Manifest]) -> None:
    walls[:] = [wall for wall in walls if wall["metadata"]["name"] not in ("warren.deny-all", "default-deny")]


def _without_an_apps_wall(walls: list[Manifest]) -> None:
    walls[:] = [wall for wall in walls if wall["metadata"]["name"] != "hello"]


def _a_routed_port_for_siblings(walls: list[Manifest]) -> None:
    _peers(walls, "team/hello").append(SIBLINGS)


def _any_namespace_with_the_controllers_label(walls: list[Manifest]) -> None:
    _peers(walls, "team/hello")[0]["namespaceSelector"] = {}


def _any_pod_of_the_controllers_namespace(walls: list[Manifest]) -> None:
    del _peers(walls, "team/hello")[0]["podSelector"]


def _two_peers_out_of_one(walls: list[Manifest]) -> None:
    peer = _peers(walls, "team/oauth2-proxy").pop()
    _peers(walls, "team/oauth2-proxy").extend({key: value} for key, value in peer.items())


def _every_port_of_a_proxy(walls: list[Manifest]) -> None:
    del _spec(walls, "team/oauth2-proxy")["ingress"][0]["ports"]


def _apps_at_dex(walls: list[Manifest]) -> None:
    _peers(walls, "team/dex").append(SIBLINGS)


def _anybody_at_the_controller(walls: list[Manifest]) -> None:
    del _spec(walls, "warren-ingress/ingress-controller")["ingress"][0]["from"]


def _anybody_at_cloudflared(walls: list[Manifest]) -> None:
    _spec(walls, "warren-tunnel/cloudflared")["ingress"] = [{}]


def _every_port_of_the_internet_for_cloudflared(walls: list[Manifest]) -> None:
    for rule in _spec(walls, "warren-tunnel/cloudflared")["egress"]:
        if "ipBlock" in rule["to"][0]:
            del rule["ports"]


def _apps_of_any_workspace(walls: list[Manifest]) -> None:
    _spec(walls, "suite/postgres")["ingress"][0]["from"][0]["namespaceSelector"] = {}


def _apps_to_any_workspace(walls: list[Manifest]) -> None:
    for rule in _spec(walls, "team/warren.app-egress")["egress"]:
        if "namespaceSelector" not in rule["to"][0] and "podSelector" in rule["to"][0]:
            rule["to"][0]["namespaceSelector"] = {}


def _a_way_for_the_whole_workspace(walls: list[Manifest]) -> None:
    _spec(walls, "team/tool")["ingress"][-1]["from"][0]["podSelector"] = {}


def _a_way_to_every_port(walls: list[Manifest]) -> None:
    del _spec(walls, "open/limited")["egress"][0]["ports"]


def _a_way_to_every_app(walls: list[Manifest]) -> None:
    _spec(walls, "open/limited")["egress"][0]["to"][0]["podSelector"] = {}


def _a_way_with_one_end(walls: list[Manifest]) -> None:
    _spec(walls, "open/limited")["egress"].clear()


def _home_is_the_internet(walls: list[Manifest]) -> None:
    for rule in _spec(walls, "team/warren.app-egress")["egress"]:
        for peer in rule["to"]:
            if "ipBlock" in peer:
                peer["ipBlock"].pop("except")


def _metadata_is_the_internet(walls: list[Manifest]) -> None:
    for rule in _spec(walls, "team/warren.app-egress")["egress"]:
        for peer in rule["to"]:
            if "169.254.0.0/16" in peer.get("ipBlock", {}).get("except", []):
                peer["ipBlock"]["except"].remove("169.254.0.0/16")


def _the_nodes_network_for_the_api_server(walls: list[Manifest]) -> None:
    _spec(walls, "team/dex")["egress"][1]["to"][0]["ipBlock"]["cidr"] = "10.0.0.0/24"


def _one_egress_type_forgotten(walls: list[Manifest]) -> None:
    _spec(walls, "team/warren.app-egress")["policyTypes"] = ["Ingress"]


def _a_policy_in_another_namespace(walls: list[Manifest]) -> None:
    for wall in walls:
        if wall["metadata"]["namespace"] == "legacy" and wall["metadata"]["name"] == "warren.deny-all":
            wall["metadata"]["namespace"] = "team"


def _no_dns_for_the_controller(walls: list[Manifest]) -> None:
    del _spec(walls, "warren-ingress/ingress-controller")["egress"][0]


def _everything_of_kube_system(walls: list[Manifest]) -> None:
    del _spec(walls, "warren-ingress/ingress-controller")["egress"][0]["to"][0]["podSelector"]


def _a_file_server_forgotten(walls: list[Manifest]) -> None:
    egress = _spec(walls, "club/warren.app-egress")["egress"]
    egress[:] = [rule for rule in egress if rule["to"][0].get("ipBlock", {}).get("cidr") != "10.0.0.7/32"]


def _nodes_at_what_is_offered(walls: list[Manifest]) -> None:
    for peer in _spec(walls, "legacy/old")["ingress"][-1]["from"]:
        peer["ipBlock"].pop("except", None)


def _all_of_home_at_what_is_offered(walls: list[Manifest]) -> None:
    _spec(walls, "legacy/old")["ingress"][-1]["from"][0]["ipBlock"] = {"cidr": "10.0.0.0/22"}


def _every_port_for_home(walls: list[Manifest]) -> None:
    del _spec(walls, "legacy/old")["ingress"][-1]["ports"]


def _pods_from_home(walls: list[Manifest]) -> None:
    _spec(walls, "legacy/old")["ingress"][-1]["from"].append({"ipBlock": {"cidr": "10.42.0.0/16"}})


@pytest.mark.parametrize(
    ("breaks", "noticed"),
    [
        (_without_default_deny, a_pod_that_nobody_planned_reaches_nothing_and_is_reached_by_nobody),
        (_without_an_apps_wall, a_port_with_a_route_is_the_controllers_alone),
        (_a_routed_port_for_siblings, a_port_with_a_route_is_the_controllers_alone),
        (_any_namespace_with_the_controllers_label, nothing_comes_in_from_elsewhere),
        (_any_pod_of_the_controllers_namespace, nobody_is_let_in_who_may_not_come),
        (_two_peers_out_of_one, nobody_is_let_in_who_may_not_come),
        (_every_port_of_a_proxy, metrics_and_probes_are_open_to_nobody),
        (_every_port_of_a_proxy, a_port_that_no_container_names_is_closed),
        (_apps_at_dex, nobody_is_let_in_who_may_not_come),
        (_anybody_at_the_controller, the_controller_answers_cloudflared_only),
        (_anybody_at_cloudflared, metrics_and_probes_are_open_to_nobody),
        (_every_port_of_the_internet_for_cloudflared, the_internet_is_reached_where_the_files_say),
        (_apps_of_any_workspace, neither_side_opens_a_way_between_workspaces),
        (_apps_to_any_workspace, neither_side_opens_a_way_between_workspaces),
        (_a_way_for_the_whole_workspace, neither_side_opens_a_way_between_workspaces),
        (_a_way_to_every_port, neither_side_opens_a_way_between_workspaces),
        (_a_way_to_every_app, neither_side_opens_a_way_between_workspaces),
        (_a_way_with_one_end, what_both_files_say_is_open),
        (_home_is_the_internet, home_is_reached_through_declared_openings_only),
        (_home_is_the_internet, of_the_nodes_only_the_api_server_is_reached_and_by_who_has_an_account),
        (_metadata_is_the_internet, home_is_reached_through_declared_openings_only),
        (_the_nodes_network_for_the_api_server, of_the_nodes_only_the_api_server_is_reached_and_by_who_has_an_account),
        (_one_egress_type_forgotten, the_internet_is_reached_where_the_files_say),
        (_a_policy_in_another_namespace, nothing_comes_in_from_elsewhere),
        (_no_dns_for_the_controller, nothing_goes_to_other_namespaces_but_to_their_dns),
        (_everything_of_kube_system, nothing_goes_to_other_namespaces_but_to_their_dns),
        (_nodes_at_what_is_offered, what_is_offered_at_home_is_reached_from_there),
        (_nodes_at_what_is_offered, nothing_comes_in_from_elsewhere),
        (_all_of_home_at_what_is_offered, what_is_offered_at_home_is_reached_from_there),
        (_every_port_for_home, nothing_comes_in_from_elsewhere),
        (_pods_from_home, neither_side_opens_a_way_between_workspaces),
        (_a_file_server_forgotten, home_is_reached_through_declared_openings_only),
    ],
    ids=lambda value: value.__name__.strip("_"),
)
def test_a_broken_wall_is_noticed(
    breaks: Callable[[list[Manifest]], None], noticed: Property, rendered: Rendering
) -> None:
    stack = rendered("everything", "traefik")
    walls = copy.deepcopy(reach.policies(stack))
    breaks(walls)
    assert list(noticed(reach.matrix(stack, "traefik", walls), stack)) != []


# The evaluator reads policies as Kubernetes describes them.


def _policy(spec: Manifest, namespace: str = "here") -> Manifest:
    head = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}
    return {**head, "metadata": {"name": "wall", "namespace": namespace}, "spec": {"podSelector": {}, **spec}}


def _in(*rules: Manifest, **more: object) -> Manifest:
    return _policy({"policyTypes": ["Ingress"], "ingress": list(rules), **more})


def _out(*rules: Manifest, **more: object) -> Manifest:
    return _policy({"policyTypes": ["Egress"], "egress": list(rules), **more})


WEB = Port(8000, "TCP")
A = End("a", "10.42.0.1", "ours", "here", {"room": "here"}, {"app": "a"}, {WEB: "web"})
B = End("b", "10.42.0.2", "ours", "here", {"room": "here"}, {"app": "b"}, {WEB: "web", Port(53, "UDP"): "web"})
AWAY = End("away", "10.42.1.1", "strange", "there", {"room": "there"}, {"app": "a"})
V4, V6 = End("v4", "203.0.113.10", "outside"), End("v6", "2001:db8::10", "outside")
HOME, MACHINE = End("home", "10.0.0.7", "outside"), End("machine", "fd00::7", "outside")

FROM_A = {"from": [{"podSelector": {"matchLabels": {"app": "a"}}}]}
PUBLIC = {
    "to": [
        {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}},
        {"ipBlock": {"cidr": "::/0", "except": ["fc00::/7"]}},
    ]
}


def _says(walls: list[Manifest], source: End, destination: End, port: Port = WEB) -> Halves:
    [found] = reach.judge(walls, [source, destination], [(source.name, destination.name, port)])
    return found


@pytest.mark.parametrize(
    ("walls", "source", "destination", "port", "ingress", "egress"),
    [
        pytest.param([], A, B, WEB, True, True, id="without a policy all is open"),
        pytest.param([_in()], A, B, WEB, False, True, id="policyTypes without rules close that direction"),
        pytest.param([_out()], A, B, WEB, True, False, id="and only that direction"),
        pytest.param([_policy({"policyTypes": ["Egress"]})], A, B, WEB, True, False, id="rules may be missing"),
        pytest.param([_in(), _out()], AWAY, B, WEB, False, True, id="another namespace is not selected"),
        pytest.param([_in({})], V4, B, WEB, True, True, id="an empty rule opens to everybody"),
        pytest.param([_in({"from": [{"podSelector": {}}]})], A, B, WEB, True, True, id="an empty pod selector is all"),
        pytest.param(
            [_in({"from": [{"podSelector": {}}]})], AWAY, B, WEB, False, True, id="of the policy's own namespace"
        ),
        pytest.param(
            [_in({"from": [{"namespaceSelector": {}}]})], AWAY, B, WEB, True, True, id="an empty namespace selector"
        ),
        pytest.param([_in({"from": [{"namespaceSelector": {}}]})], V4, B, WEB, False, True, id="is pods only"),
        pytest.param([_in(FROM_A)], A, B, WEB, True, True, id="a label that matches"),
        pytest.param([_in(FROM_A)], B, A, WEB, False, True, id="a label that does not"),
        pytest.param(
            [_in(FROM_A, podSelector={"matchLabels": {"app": "a"}})], B, B, WEB, True, True, id="not selected"
        ),
        pytest.param(
            [_in({"from": [{"namespaceSelector": {"matchLabels": {"room": "there"}}, **FROM_A["from"][0]}]})],
            *(A, B, WEB, False, True),
            id="namespace and pod are both asked for in one peer",
        ),
        pytest.param(
            [_in({"from": [{"namespaceSelector": {"matchLabels": {"room": "there"}}}, *FROM_A["from"]]})],
            *(A, B, WEB, True, True),
            id="and either in two",
        ),
        pytest.param([_in(), _in(FROM_A)], A, B, WEB, True, True, id="several policies add up"),
        pytest.param(
            [_in(FROM_A), _in(podSelector={"matchLabels": {"app": "b"}})],
            A,
            B,
            WEB,
            True,
            True,
            id="and never subtract",
        ),
        pytest.param([_in({"ports": [{"port": "web"}]})], A, B, WEB, True, True, id="a named port"),
        pytest.param([_in({"ports": [{"port": "web"}]})], A, B, Port(53, "UDP"), False, True, id="is TCP unless said"),
        pytest.param([_in({"ports": [{"port": "metrics"}]})], A, B, WEB, False, True, id="another named port"),
        pytest.param([_out({"ports": [{"port": "web"}]})], A, B, WEB, True, True, id="named by the destination's pod"),
        pytest.param([_in({"ports": [{"protocol": "UDP"}]})], A, B, WEB, False, True, id="a protocol without a port"),
        pytest.param([_in({"ports": [{"port": 1, "endPort": 8000}]})], A, B, WEB, True, True, id="a range's end"),
        pytest.param([_in({"ports": [{"port": 1, "endPort": 7999}]})], A, B, WEB, False, True, id="beyond a range"),
        pytest.param([_out(PUBLIC)], A, V4, WEB, True, True, id="a block, IPv4"),
        pytest.param([_out(PUBLIC)], A, V6, WEB, True, True, id="a block, IPv6"),
        pytest.param([_out(PUBLIC)], A, HOME, WEB, True, False, id="an exception, IPv4"),
        pytest.param([_out(PUBLIC)], A, MACHINE, WEB, True, False, id="an exception, IPv6"),
        pytest.param([_out({"to": PUBLIC["to"][:1]})], A, V6, WEB, True, False, id="0.0.0.0/0 has no IPv6 address"),
        pytest.param([_out({"to": PUBLIC["to"][1:]})], A, V4, WEB, True, False, id="::/0 has no IPv4 address"),
        pytest.param([_out(PUBLIC)], A, B, WEB, True, False, id="pods are at their addresses"),
    ],
)
def test_the_evaluator_knows(
    walls: list[Manifest], source: End, destination: End, port: Port, ingress: bool, egress: bool
) -> None:
    assert _says(walls, source, destination, port) == Halves(ingress, egress)


@pytest.mark.parametrize(
    ("wall", "message"),
    [
        (_in({"from": [{"podSelector": {"matchLabels": {"app": ""}}}]}), "matchLabels app is empty"),
        (
            _in(podSelector={"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["a"]}]}),
            "NotIn app",
        ),
        (_policy({}), "no policyTypes"),
        (_policy({"policyTypes": ["Ingress"]}, namespace=""), "no namespace"),
        (_policy({"policyTypes": ["Ingress"], "ingres": []}), 'unknown field "ingres"'),
    ],
    ids=["an empty label", "NotIn", "no policyTypes", "no namespace", "a misspelt field"],
)
def test_the_evaluator_refuses_what_it_would_misread(wall: Manifest, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _says([wall], A, B)
