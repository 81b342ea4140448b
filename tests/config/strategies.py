"""Random stacks and workspaces that are valid, for properties that must hold for all of them.

`projects()` gives plain data as YAML would; `loaded(project)` gives the models after every check.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from config.checks import check, check_stack, check_workspace
from config.checks import secrets as secret_rules
from config.load import validate
from config.mistakes import Document, Loaded, Mistake
from config.stack import Stack
from config.workspace import Workspace
from manifests.ingress import check_names

Data = dict[str, Any]

DOMAIN = "example.com"
SHARED = ("client-secret", "db-password")
"""Secrets that every workspace of a project reads."""


@dataclass(frozen=True)
class Project:
    """A stack and its workspaces by name, as plain data."""

    stack: Data
    workspaces: Mapping[str, Data]


def labels(prefix: str) -> st.SearchStrategy[str]:
    """Names that never meet names with another prefix."""
    return st.from_regex(rf"\A{prefix}[a-z0-9]{{1,6}}\Z")


paths = st.from_regex(r"\A(/[a-z0-9][a-z0-9._-]{0,5}){1,3}\Z").filter(
    lambda path: not path.startswith(("/dex", "/oauth2"))
)


@st.composite
def routes(draw: st.DrawFn, taken: set[tuple[str, str]], host: str, *, signs_in: bool) -> list[Any]:
    """Routes of one app on `host`; none of them is in `taken`, which grows."""
    rules: list[Any] = []
    for path in draw(st.lists(st.one_of(st.just("/"), paths), min_size=1, max_size=3, unique=True)):
        if (host, path) in taken:
            continue
        taken.add((host, path))
        rule: Data = {"path": path}
        if signs_in and draw(st.booleans()):
            rule |= draw(st.sampled_from([{"public": True}, {"auth": "api"}]))
        if draw(st.booleans()):
            rule |= draw(
                st.sampled_from(
                    [
                        {"rateLimit": "20/s"},
                        {"bodySize": "8Mi", "timeout": "90s"},
                        {"allowFrom": ["203.0.113.0/24"]},
                        {"protocol": "grpc"},
                        {"deny": [f"{path.rstrip('/')}/zz-denied"]},
                    ]
                )
            )
        rules.append(path if rule == {"path": path} and draw(st.booleans()) else rule)
    return rules


@st.composite
def apps(draw: st.DrawFn, taken: set[tuple[str, str]], host: str, own_host: str, *, signs_in: bool) -> Data:
    """One app of any kind."""
    app: Data = {"image": "ghcr.io/example/app:1.2.3", "requests": {"cpu": "10m", "memory": "16Mi"}}
    kind = draw(st.sampled_from(["served", "served", "internal", "job"]))
    if kind == "job":
        app["schedule"] = "0 3 * * *"
    else:
        app["port"] = draw(st.integers(1, 65535))
        app["health"] = draw(st.sampled_from(["/healthz", {"tcp": True}, {"exec": ["true"], "start": "5m"}]))
    if kind == "served":
        at = draw(st.sampled_from([host, own_host]))
        app["routes"] = draw(routes(taken, at, signs_in=signs_in))
        if app["routes"] and at != host:
            app["host"] = at
    if draw(st.booleans()):
        app["env"] = {"MODE": "production", "DB_PASSWORD": {"secret": "db-password"}}
    if draw(st.booleans()):
        app["volumes"] = {
            "data": {"mount": "/data", "size": "1Gi"},
            "tmp": {"mount": "/cache", "size": "1Gi", "scratch": True},
        }
    elif kind != "job" and draw(st.booleans()):
        app |= draw(st.sampled_from([{"replicas": 2}, {"autoscale": {"max": 3}}]))
    if draw(st.booleans()):
        app["sidecars"] = {"side": {"image": "ghcr.io/example/side:1", "requests": {"cpu": "5m", "memory": "8Mi"}}}
    return app


@st.composite
def workspaces(draw: st.DrawFn, name: str) -> Data:
    """One workspace; hosts and apps carry its name, so that workspaces never meet."""
    signs_in = draw(st.booleans())
    taken: set[tuple[str, str]] = set()
    names = draw(st.lists(labels("a"), min_size=1, max_size=4, unique=True))
    return {
        "name": name,
        "host": name,
        "quota": {"cpu": "8", "memory": "16Gi", "pods": 60},
        "auth": draw(auths()) if signs_in else "none",
        "apps": {app: draw(apps(taken, name, f"{name}-x-{app}", signs_in=signs_in)) for app in names},
    }


@st.composite
def auths(draw: st.DrawFn) -> Data:
    """A sign-in policy of one or several providers."""
    client = {"clientId": "an-app", "clientSecret": {"secret": "client-secret"}}
    known: Sequence[Data] = (
        {"type": "microsoft", "id": "entra", "tenant": "example.com", **client},
        {"type": "github", "id": "github", "orgs": [{"name": "example", "teams": ["ops"]}], **client},
        {"type": "oidc", "id": "home", "issuer": "https://id.example.com/", "insecureEnableGroups": True, **client},
    )
    chosen = draw(
        st.lists(st.sampled_from(known), min_size=1, max_size=3, unique_by=lambda provider: str(provider["id"]))
    )
    allow = draw(
        st.sampled_from([{"emailDomains": ["example.com"]}, {"emails": ["ann@example.com"]}, {"groups": ["ops"]}])
    )
    return {"providers": chosen, "allow": allow, "session": draw(st.sampled_from(["12h", "30m"]))}


@st.composite
def projects(draw: st.DrawFn, min_size: int = 1, max_size: int = 3) -> Project:
    """A stack with random workspaces, on nodes that hold them all."""
    names = draw(st.lists(labels("w"), min_size=min_size, max_size=max_size, unique=True))
    stack = {
        "domain": DOMAIN,
        "cluster": {
            "context": "home",
            "nodes": [
                {"name": "pi-1", "role": "control-plane", "ip": "10.0.0.50", "cpu": 64, "memory": "64Gi"},
                {"name": "pi-2", "role": "worker", "ip": "10.0.0.51", "cpu": 64, "memory": "64Gi"},
            ],
        },
        "cloudflare": {"accountId": "0" * 32, "zoneId": "1" * 32},
        "ingress": {"controller": draw(st.sampled_from(["traefik", "nginx"]))},
        "workspaces": names,
        "secretReaders": dict.fromkeys(SHARED, names),
        "secrets": list(SHARED),
    }
    return Project(stack, {name: draw(workspaces(name)) for name in names})


def shuffled(data: Any, seed: int) -> Any:
    """The same data with the keys of every mapping in another order."""
    if isinstance(data, dict):
        pairs = list(data.items())
        random.Random(seed).shuffle(pairs)
        return {key: shuffled(value, seed + 1) for key, value in pairs}
    return [shuffled(item, seed + 1) for item in data] if isinstance(data, list) else data


def loaded(project: Project) -> tuple[Stack, tuple[Workspace, ...], list[Mistake]]:
    """The project's models in the order of its mappings, and what the checks say about them."""
    config = Document("Pulumi.test.yaml", project.stack)
    documents = [Document(f"workspaces/{name}.yaml", data) for name, data in project.workspaces.items()]
    stack: Loaded[Stack] = validate(Stack, config)
    files: list[Loaded[Workspace]] = [validate(Workspace, document) for document in documents]
    found = [
        *check_stack.check(stack, "test", True),
        *check.check_written(config, documents),
        *secret_rules.check(config, documents, (), "test"),
        *check.check(stack, files),
        *check_names.check(stack.model, files),
        *check.check_sum(stack, files),
    ]
    for file in files:
        found += check_workspace.check(file)
    return stack.model, tuple(file.model for file in files), found
