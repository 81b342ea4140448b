"""The rules between files: workspaces against each other, against the stack, its secrets and its nodes.

Each function is one family and yields its mistakes. What one file can get wrong alone is in `check_workspace`,
`check_app`, `check_routes` and `check_stack`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from config import reserved
from config.checks import between, check_redirects, directory, hardware, load_balancers, openings, rights, trust
from config.checks.capacity import over_capacity
from config.checks.check_routes import below
from config.checks.usage import LIMITS_PER_REQUESTS, Pods, at_most, storage, workspace_pods
from config.fields.quantities import mebibytes, millicores
from config.mistakes import Document, KeyPath, Loaded, Mistake, dotted, nearest
from config.routes import host_of, hostname
from config.stack import Stack
from config.workspace import Workspace

StackFile = Loaded[Stack]
File = Loaded[Workspace]


def check(stack: StackFile, files: Sequence[File]) -> list[Mistake]:
    """Everything that is wrong between files, but for what only makes sense when all of them are right."""
    found = [
        *_paths(stack.model, files),
        *_images(stack, files),
        *trust.check(stack, files),
        *between.check(stack.model, files),
    ]
    found += [*load_balancers.check(stack, files), *hardware.check_ports(stack.model, files)]
    for file in files:
        found += [*_people(stack.model, file), *openings.check(stack, file), *_quota(stack.model, file)]
        found += _registries(stack.model, file)
        found += [*rights.check(stack, file), *hardware.check(stack, file)]
        found += [*directory.check(stack.model, file), *check_redirects.check(stack.model, file)]
    return found


def check_sum(stack: StackFile, files: Sequence[File]) -> list[Mistake]:
    """Whether everything fits on the nodes; of all files, each of them right."""
    models = [file.model for file in files]
    return [stack.mistake(("cluster", "nodes"), what) for what in over_capacity(stack.model, models)]


def check_written(stack: Document, documents: Sequence[Document]) -> list[Mistake]:
    """What can be said of the hosts of files that are not right in themselves yet, so that nobody has to come back.

    Args:
        stack: The stack's config; its `domain` is looked at.
        documents: Every workspace file that is YAML.
    """
    found: list[Mistake] = []
    if isinstance(domain := stack.data.get("domain"), str):
        found += _hosts(domain, documents)
        for document in documents:
            found += _depth(domain, stack.data.get("advancedCertificates") is True, document)
    return found


def _labels(document: Document) -> Iterator[tuple[KeyPath, str]]:
    """Every host label a workspace writes, its own first."""
    data = document.data if isinstance(document.data, dict) else {}
    apps = data.get("apps")
    if isinstance(label := data.get("host"), str):
        yield ("host",), label
    for name, app in apps.items() if isinstance(apps, dict) else ():
        if not isinstance(app, dict):
            continue
        if isinstance(label := app.get("host"), str):
            yield ("apps", name, "host"), label
        for i, rule in enumerate(app.get("routes") or () if isinstance(app.get("routes"), list) else ()):
            if isinstance(rule, dict) and isinstance(label := rule.get("host"), str):
                yield ("apps", name, "routes", i, "host"), label


_WWW = 'write "@" for the domain itself, lead there by a route with redirect, or choose another label'


def _redirects(document: Document, path: KeyPath) -> bool:
    """Whether what is written there is a route that leads elsewhere."""
    data = document.data
    for part in path:
        data = data[part]
    return "routes" in path and bool(data.get("redirect"))


def _depth(domain: str, advanced_certificates: bool, document: Document) -> Iterator[Mistake]:
    for path, label in _labels(document):
        if ":" in label or "/" in label:
            continue  # an address, and the field's own words say so
        first, dot, _ = label.partition(".")
        if label == domain:
            yield document.mistake(path, 'is the domain itself; write "@"')
        elif label.endswith(f".{domain}"):
            yield document.mistake(path, f"{label!r} has the domain in it; write {label.removesuffix(f'.{domain}')!r}")
        elif dot and (not advanced_certificates or label.count(".") > 1):
            one = label.split(".")[1] if first in reserved.HOSTS else first
            yield document.mistake(
                path,
                f"{label!r} would be {label}.{domain}, and free edge certificates cover one level under the "
                f"domain; write one label, such as {one!r}",
            )
        elif first == "www" and _redirects(document, path[:-1]):
            continue
        elif why := reserved.HOSTS.get(first):
            fix = _WWW if first == "www" else "choose another label"
            yield document.mistake(path, f"{first!r} {why}; {fix}")


def _hosts(domain: str, documents: Sequence[Document]) -> Iterator[Mistake]:
    owners: dict[str, tuple[Document, int]] = {}
    for document in documents:
        for path, label in _labels(document):
            host = hostname(label, domain)
            owner, line = owners.setdefault(host, (document, document.line(path)))
            if owner is not document:
                yield document.mistake(
                    path,
                    f"{host} belongs to the workspace {Path(owner.file).stem} ({owner.file}:{line}); "
                    "a host has one workspace",
                )


def _paths(stack: Stack, files: Sequence[File]) -> Iterator[Mistake]:
    for file in files:
        rules = [
            (host_of(stack, file.model, app, rule), ("apps", name, "routes", i), rule)
            for name, app in file.model.apps.items()
            for i, rule in enumerate(app.routes)
        ]
        denied: dict[tuple[str, str], KeyPath] = {}
        for host, at, rule in rules:
            for i, path in enumerate(rule.deny):
                first = denied.setdefault((host, path), at)
                if first != at or path in rule.deny[:i]:
                    here: KeyPath = (*at, "deny", i)
                    yield file.mistake(here, f"{host}{path} is denied by {dotted(first)} already; once is enough")
        taken: dict[tuple[str, str], KeyPath] = {}
        for host, at, rule in rules:
            first = taken.setdefault((host, rule.path), at)
            if first != at:
                yield file.mistake(at, f"{host}{rule.path} is served by {dotted(first)} already; choose another path")
            for (other, closed), by in denied.items():
                if other == host and below(rule.path, closed):
                    what = f"{host}{rule.path} is denied by {dotted(by)}"
                    yield file.mistake(at, f"{what}; take {closed} off its deny list, or choose another path")


def _people(stack: Stack, file: File) -> Iterator[Mistake]:
    if (file.model.access.edit or file.model.access.view) and stack.people is None:
        yield file.mistake(
            ("access",),
            "names groups, and the stack does not say who signs them in; add warren:people to the stack file",
        )


def _registries(stack: Stack, file: File) -> Iterator[Mistake]:
    used = file.model.registries
    for i, registry in enumerate(used):
        if registry in used[:i]:
            yield file.mistake(("registries", i), f"{registry} is listed twice; keep one")
        elif registry not in stack.registries:
            add = f"add it to warren:registries: {{ {registry}: {{ username: NAME, password: {{ secret: NAME }} }} }}"
            words = nearest(registry, sorted(stack.registries)) or f"; {add}"
            yield file.mistake(("registries", i), f"the stack has no registry {registry!r}{words}")


def _images(stack: StackFile, files: Sequence[File]) -> Iterator[Mistake]:
    by_name = {file.model.name: file.model for file in files}
    for key in stack.model.images:
        name, _, app_name = key.partition("/")
        if not app_name or name not in by_name:
            continue  # `check_stack` says so, or the file has mistakes of its own
        app = by_name[name].apps.get(app_name)
        if app is None:
            yield stack.mistake(
                ("images", key), f"names no app of the workspace {name}; it has {', '.join(sorted(by_name[name].apps))}"
            )
        elif app.image is None:
            yield stack.mistake(
                ("images", key), "names an app that is a static folder and has no image; take the line out"
            )


def _quota(stack: Stack, file: File) -> Iterator[Mistake]:
    quota, pods = file.model.quota, workspace_pods(stack, file.model)
    most = at_most(pods)
    cpu, memory = millicores(quota.cpu), mebibytes(quota.memory)
    for_limits = -(-most.memory_limit // LIMITS_PER_REQUESTS)
    enough = max(most.memory, for_limits)
    if cpu < most.cpu:
        asked = f"{cpu}m is less than the {most.cpu}m that its pods ask for"
        yield file.mistake(("quota", "cpu"), f"{asked}: {_sum(pods, 'cpu', 'm')}; write at least {most.cpu}m")
    if memory < most.memory:
        asked = f"{memory}Mi is less than the {most.memory}Mi that its pods ask for"
        yield file.mistake(("quota", "memory"), f"{asked}: {_sum(pods, 'memory', 'Mi')}; write at least {enough}Mi")
    elif memory < for_limits:
        allowed = f"{memory}Mi allows {LIMITS_PER_REQUESTS * memory}Mi of memory limits"
        asked = f"{allowed}, and its pods have {most.memory_limit}Mi"
        summed = _sum(pods, "memory_limit", "Mi")
        yield file.mistake(("quota", "memory"), f"{asked}: {summed}; write at least {enough}Mi, or lower limits")
    if quota.pods < most.pods:
        asked = f"{quota.pods} is less than the {most.pods} pods that run here"
        yield file.mistake(("quota", "pods"), f"{asked}: {_count(pods)}; write at least {most.pods}")
    if quota.storage is not None and (held := mebibytes(quota.storage)) < (wanted := storage(file.model)):
        what = f"{held}Mi is less than the {wanted}Mi of its volumes; write at least {wanted}Mi"
        yield file.mistake(("quota", "storage"), what)


def _sum(pods: Sequence[Pods], column: str, unit: str) -> str:
    """The sum behind a total, as people add it up: `web 2 x 64Mi + cache 64Mi + 64Mi during an update`."""
    terms = [f"{p.what} {f'{p.high} x ' if p.high != 1 else ''}{getattr(p, column)}{unit}" for p in pods if p.high]
    extra = max((getattr(p, column) for p in pods if p.surges and p.high), default=0)
    return " + ".join([*terms, *([f"{extra}{unit} during an update"] if extra else [])])


def _count(pods: Sequence[Pods]) -> str:
    surge = ["1 during an update"] if any(p.surges and p.high for p in pods) else []
    return " + ".join([*(f"{p.what} {p.high}" for p in pods if p.high), *surge])
