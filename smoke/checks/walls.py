"""The walls as they stand in the cluster, beside those that were decided: namespaces, NetworkPolicies, admission.

A policy is there or not; whether the cluster's network plugin keeps it is not seen from here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from manifests import names, pods, walls
from manifests.app import apps
from manifests.ingress import controller
from manifests.ingress.annotations import ALLOWED_ANNOTATIONS
from manifests.tenant import admission, bounds, tenancy
from smoke.cluster import Cluster, Unreadable
from smoke.plan import Plan
from smoke.result import Result, Verdict, fail, ok, result, warn

Manifest = dict[str, Any]


def results(plan: Plan, cluster: Cluster) -> Iterator[Result]:
    """Two lines a namespace, and one for each admission policy."""
    for namespace, metadata in namespaces(plan).items():
        yield result("walls", f"namespace {namespace}", judge_namespace(plan, namespace, metadata, cluster.namespaces))
    for namespace, wanted in policies(plan).items():
        verdict = judge_policies(plan, namespace, wanted, cluster.objects[namespace])
        yield result("walls", f"NetworkPolicies of {namespace}", verdict)
    for rule in rules():
        name = f"{rule['kind']} {rule['metadata']['name']}"
        yield result("walls", name, judge_rule(plan, rule, cluster.rules))


def namespaces(plan: Plan) -> dict[str, Manifest]:
    """Namespace -> the labels and annotations that security depends on."""
    platform = (names.TUNNEL_NAMESPACE, names.INGRESS_NAMESPACE)
    found: dict[str, Manifest] = {name: {"labels": pods.namespace_security("restricted")} for name in platform}
    for workspace in plan.workspaces:
        metadata = tenancy.namespace(plan.stack, workspace)["metadata"]
        found[workspace.name] = {"labels": metadata["labels"], "annotations": metadata["annotations"]}
    return found


def judge_namespace(
    plan: Plan, name: str, wanted: Mapping[str, Manifest], live: Mapping[str, Manifest] | Unreadable
) -> Verdict:
    """Whether a namespace says what admission and PodSecurity go by."""
    if isinstance(live, Unreadable):
        return fail(live.reason, live.fix)
    if name not in live:
        return fail("is not there", plan.repair)
    for part, pairs in wanted.items():
        has = live[name]["metadata"].get(part) or {}
        for key, value in pairs.items():
            if has.get(key) != value:
                return fail(f"has {key}={has.get(key)}, not {value}", plan.repair)
    return ok(f"enforces PodSecurity {wanted['labels']['pod-security.kubernetes.io/enforce']}")


@dataclass(frozen=True)
class Wall:
    """A NetworkPolicy that was decided."""

    spec: Manifest
    whole: bool = True
    """Whether `manifests` says what is let through too. `components` composes that for cloudflared, Dex and
    OAuth2-Proxy; of theirs only whom they are for and which directions they close is known here."""


def policies(plan: Plan) -> dict[str, dict[str, Wall]]:
    """Namespace -> NetworkPolicy -> what it should say."""
    match = names.selector
    found = {
        names.TUNNEL_NAMESPACE: {"default-deny": Wall(walls.DENY_ALL), "cloudflared": _outline(match("cloudflared"))},
        names.INGRESS_NAMESPACE: {
            "default-deny": Wall(walls.DENY_ALL),
            names.INGRESS_SERVICE: Wall(controller.wall(plan.stack.cluster)),
        },
    }
    for workspace in plan.workspaces:
        shared = tenancy.policies(plan.stack, workspace).values()
        here = {each["metadata"]["name"]: Wall(each["spec"]) for each in shared}
        for name, app in workspace.apps.items():
            here[name] = Wall(apps.wall(apps.Unit(workspace.name, name, app))["spec"])
        if workspace.auth != "none":
            here[names.DEX] = _outline(match(names.DEX))
        here |= {proxy.name: _outline(match(proxy.name)) for of, proxy in plan.proxies() if of is workspace}
        found[workspace.name] = here
    return found


def _outline(match: Mapping[str, str]) -> Wall:
    return Wall({"podSelector": {"matchLabels": dict(match)}, "policyTypes": ["Ingress", "Egress"]}, whole=False)


def judge_policies(
    plan: Plan, namespace: str, wanted: Mapping[str, Wall], objects: Sequence[Manifest] | Unreadable
) -> Verdict:
    """Whether exactly the decided NetworkPolicies are there. One too many opens a wall: policies add up."""
    if isinstance(objects, Unreadable):
        return fail(objects.reason, objects.fix)
    live = {each["metadata"]["name"]: each["spec"] for each in objects if each["kind"] == "NetworkPolicy"}
    if missing := sorted(set(wanted) - set(live)):
        return fail(f"{', '.join(missing)} missing", plan.repair)
    for name in sorted(wanted):
        if differs := differences(wanted[name], live[name]):
            fix = f"kubectl -n {namespace} get networkpolicy {name} -o yaml; then {plan.repair}"
            return fail(f"{name} is not as decided ({', '.join(differs)})", fix)
    if unknown := sorted(set(live) - set(wanted)):
        fix = f"kubectl -n {namespace} describe networkpolicy {' '.join(unknown)}"
        return warn(f"{', '.join(unknown)} not Warren's, and policies add up: what it allows is open", fix)
    return ok(f"stand as decided ({len(wanted)})")


def differences(wanted: Wall, live: Manifest) -> list[str]:
    """The keys of a NetworkPolicy's spec that mean something else."""
    meant, stands = _policy_with_defaults(wanted.spec), _policy_with_defaults(live)
    keys = ("podSelector", "policyTypes", "ingress", "egress") if wanted.whole else ("podSelector", "policyTypes")
    return [key for key in keys if meant.get(key) != stands.get(key)]


def _policy_with_defaults(spec: Manifest) -> Manifest:
    """A spec as the API server writes it (pkg/apis/networking/v1/defaults.go): protocols named, nothing empty."""
    full = _written_out(spec)
    assert isinstance(full, dict)
    full.setdefault("podSelector", {})
    full["policyTypes"] = sorted(full.get("policyTypes") or ["Ingress"])
    return full


def _written_out(value: Any, key: str = "") -> Any:
    if isinstance(value, list):
        return [_written_out(item, key) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {name: _written_out(item, name) for name, item in value.items()}
    # A selector that is there and empty means everything; an empty list of labels in it means nothing more.
    kept = {name: item for name, item in kept.items() if item not in ([], None) and (name, item) != ("matchLabels", {})}
    return {"protocol": "TCP", **kept} if key == "ports" else kept


def rules() -> list[Manifest]:
    """The admission policies and their bindings."""
    return [
        admission.ingress_policy(ALLOWED_ANNOTATIONS),
        admission.service_policy(),
        *admission.bindings().values(),
        *bounds.policies().values(),
        *bounds.bindings().values(),
    ]


def judge_rule(plan: Plan, wanted: Manifest, live: Sequence[Manifest] | Unreadable) -> Verdict:
    """Whether an admission policy or a binding stands as decided."""
    if isinstance(live, Unreadable):
        return fail(live.reason, live.fix)
    kind, name = wanted["kind"], wanted["metadata"]["name"]
    found = next((each for each in live if each["kind"] == kind and each["metadata"]["name"] == name), None)
    if found is None:
        return fail("is not there", plan.repair)
    if _rule_without_defaults(found["spec"]) != _rule_without_defaults(wanted["spec"]):
        return fail("is not as decided", f"kubectl get {kind.lower()} {name} -o yaml; then {plan.repair}")
    return ok("stands as decided")


_DEFAULTS: tuple[tuple[str, Any], ...] = (
    ("matchPolicy", "Equivalent"),
    ("namespaceSelector", {}),
    ("objectSelector", {}),
    ("scope", "*"),
    ("failurePolicy", "Fail"),
)
"""What the API server adds (pkg/apis/admissionregistration/v1/defaults.go)."""


def _rule_without_defaults(value: Any) -> Any:
    if isinstance(value, list):
        return [_rule_without_defaults(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {key: _rule_without_defaults(item) for key, item in value.items()}
    return {key: item for key, item in kept.items() if (key, item) not in _DEFAULTS}
