"""That no two Ingresses of a stack become one inside the controller (security rule 48).

How names are joined is `ingress.joined`; this says which file and line has the second one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from config.mistakes import KeyPath, Loaded, Mistake, dotted
from config.routes import routes_of
from config.stack import Stack
from config.workspace import Workspace
from manifests import names
from manifests.ingress import joined
from manifests.ingress.annotations import denial_name
from manifests.ingress.joined import Served
from manifests.signin import dex, signin

File = Loaded[Workspace]


def served(stack: Stack, workspace: Workspace) -> Iterator[tuple[KeyPath, Served]]:
    """Every Ingress of a workspace, with the key that it comes from: routes, what they deny, and sign-in's own."""
    places = {
        (app, rule.host, rule.path): i for app, each in workspace.apps.items() for i, rule in enumerate(each.routes)
    }
    for route in routes_of(stack, workspace):
        at: KeyPath = ("apps", route.app, "routes", places[route.app, route.rule.host, route.path])
        yield at, Served(workspace.name, names.slug(route), route.app, route.port)
        for path in route.rule.deny:
            yield at, Served(workspace.name, denial_name(route, path), route.app, route.port)
    for proxy in signin.proxies(stack, workspace):
        name = signin.ingress_name(workspace, proxy.name)
        yield ("auth",), Served(workspace.name, name, proxy.name, "http")
    if workspace.auth != "none":
        name = signin.ingress_name(workspace, names.DEX)
        yield ("auth",), Served(workspace.name, name, names.DEX, "http", len(dex.PUBLIC_PATHS))


def check(stack: Stack, files: Sequence[File]) -> Iterator[Mistake]:
    """One mistake for each Ingress that the controller would take for another one."""
    join = joined.nginx if stack.ingress.controller == "nginx" else joined.traefik
    owners: dict[tuple[str, str], tuple[object, File, KeyPath]] = {}
    for file in files:
        for at, each in served(stack, file.model):
            for made in join(each):
                meant, other, where = owners.setdefault((made.table, made.name), (made.meant, file, at))
                if meant != made.meant:
                    there = f"{other.document.file}:{other.document.line(where)}"
                    name = f"the controller would call its {made.table} {made.name}"
                    what = f"{name}, as that of {dotted(where)} in {there}, and serve one for the other"
                    yield file.mistake(at, f"{what}; rename the app or the port")
                    break
