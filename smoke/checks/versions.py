"""Which versions run, beside the ones with known advisories and the ones that this release of Warren pins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from manifests import names
from smoke import floors
from smoke.cluster import Cluster, Unreadable
from smoke.floors import Part
from smoke.plan import Plan
from smoke.result import Result, Verdict, fail, ok, result, shown, warn

Manifest = dict[str, Any]


def results(plan: Plan, cluster: Cluster) -> Iterator[Result]:
    """A line for Kubernetes, and one for each image that a part runs."""
    yield result("versions", "kubernetes", judge_kubernetes(cluster.version))
    running = images(cluster)
    for part in expected(plan):
        found = sorted(running.get(part.name, ()))
        if not found:
            what = "no pod of it runs, so its version is not known"
            yield result("versions", part.name, warn(what, "see the lines about pods"))
        for image in found:
            yield result("versions", part.name, judge(plan, part, image))


def expected(plan: Plan) -> list[Part]:
    """The parts that this stack runs."""
    signs_in = any(workspace.auth != "none" for workspace in plan.workspaces)
    static = any(app.static is not None for workspace in plan.workspaces for app in workspace.apps.values())
    return [
        floors.PARTS[plan.stack.ingress.controller],
        floors.CLOUDFLARED,
        *([floors.OAUTH2_PROXY, floors.DEX] if signs_in else []),
        *([floors.STATIC_SERVER] if static else []),
    ]


def images(cluster: Cluster) -> dict[str, set[str]]:
    """Part -> the images that run. Apps are no parts, whatever their containers are called."""
    found: dict[str, set[str]] = {}
    static = floors.STATIC_SERVER
    for objects in cluster.objects.values():
        for pod in () if isinstance(objects, Unreadable) else objects:
            if pod["kind"] != "Pod" or pod.get("status", {}).get("phase") != "Running":
                continue
            own = names.APP_LABEL not in pod["metadata"].get("labels", {})
            for container in pod["spec"]["containers"]:
                name, image = container["name"], container["image"]
                if own and name in floors.PARTS:
                    found.setdefault(name, set()).add(image)
                elif not own and _repository(image) == _repository(static.pinned):
                    found.setdefault(static.name, set()).add(image)
    return found


def _repository(image: str) -> str:
    return image.partition("@")[0].rpartition(":")[0]


def judge(plan: Plan, part: Part, image: str) -> Verdict:
    """Whether an image is one that should run."""
    pin = f"pulumi up --stack {plan.name}, which runs {part.pinned}"
    version = floors.version_of(image)
    text = shown(image.rpartition("/")[2])
    if version is None and (part.lowest or part.broken):
        return warn(f"{text} does not say its version, so advisories cannot be looked up", pin)
    if version is not None and (version < part.lowest or version in part.broken):
        return fail(f"{text}: {part.advisories}", pin)
    if part.retired:
        return warn(f"{text}: {part.retired}", "set warren:ingress.controller to traefik")
    if image != part.pinned:
        return warn(f"runs {text}, not the pinned {part.pinned.rpartition('/')[2]}", pin)
    return ok(f"runs {text}")


def judge_kubernetes(version: str) -> Verdict:
    """Whether the cluster's version is one that gets fixes and was tried."""
    found = floors.version_of(version)
    oldest, newest = (".".join(map(str, bound)) for bound in (floors.OLDEST_KUBERNETES, floors.NEWEST_KUBERNETES))
    if found is None:
        return warn(f"says that it is {shown(version)!r}, which is no version", "kubectl version")
    if found[:2] < floors.OLDEST_KUBERNETES:
        return fail(
            f"{shown(version)} is older than {oldest}", "upgrade the cluster (Warren's docs/operations.md, Upgrades)"
        )
    if found[:2] > floors.NEWEST_KUBERNETES:
        return warn(f"{shown(version)} is newer than {newest}, which is the newest tried", "see CHANGELOG.md")
    return ok(f"runs {shown(version)}")
