"""The walls as they stand in the cluster, beside those that were decided: namespaces, NetworkPolicies, admission.

A policy is there or not; whether the cluster's network plugin keeps it is not seen from here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from config.checks import trust
from config.workspace import Workspace
from manifests import names
from manifests.app import apps, load_balancer
from manifests.ingress import installation
from manifests.signin import door
from manifests.tenant import rules
from manifests.tunnel import cloudflared
from manifests.workspace import workspaces
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
    for rule in admission(plan):
        name = f"{rule['kind']} {rule['metadata']['name']}"
        yield result("walls", name, judge_rule(plan, rule, cluster.rules))


def namespaces(plan: Plan) -> dict[str, Manifest]:
    """Namespace -> the labels and annotations that security depends on."""
    stack, platform = plan.stack, plan.platform
    told = installation.chosen(stack.ingress.controller, stack.cluster, platform.routes, platform.sign_in)
    tenants = [workspaces.namespace(stack, workspace) for workspace in plan.workspaces]
    every = [each["metadata"] for each in (cloudflared.namespace(), installation.namespace(told), *tenants)]
    return {each["name"]: {part: each[part] for part in ("labels", "annotations") if part in each} for each in every}


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


def policies(plan: Plan) -> dict[str, dict[str, Manifest]]:
    """Namespace -> NetworkPolicy -> the spec that was decided."""
    cluster = plan.stack.cluster
    found = {
        names.TUNNEL_NAMESPACE: cloudflared.policies(cluster).values(),
        names.INGRESS_NAMESPACE: installation.policies(cluster).values(),
        **{workspace.name: _of(plan, workspace) for workspace in plan.workspaces},
    }
    return {
        namespace: {each["metadata"]["name"]: each["spec"] for each in manifests}
        for namespace, manifests in found.items()
    }


def _of(plan: Plan, workspace: Workspace) -> list[Manifest]:
    return [
        *workspaces.policies(plan.stack, workspace).values(),
        *(apps.wall(unit) for unit in apps.units(plan.stack, workspace, {}, plan.platform.between)),
        *(part.wall() for part in door.parts(plan.stack, workspace)),
    ]


def judge_policies(
    plan: Plan, namespace: str, wanted: Mapping[str, Manifest], objects: Sequence[Manifest] | Unreadable
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


def differences(wanted: Manifest, live: Manifest) -> list[str]:
    """The keys of a NetworkPolicy's spec that mean something else."""
    meant, stands = _policy_with_defaults(wanted), _policy_with_defaults(live)
    return sorted(key for key in meant.keys() | stands.keys() if meant.get(key) != stands.get(key))


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


def admission(plan: Plan) -> list[Manifest]:
    """The admission policies and their bindings."""
    closed = trust.any_closed(plan.stack, plan.workspaces)
    own = rules.policies(load_balancer.names(plan.stack), closed=closed)
    return [*own.values(), *rules.bindings(closed=closed).values()]


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
