"""What the API server refuses of Services where the stack gives something to the home network."""

from __future__ import annotations

from typing import Any

import pytest

from manifests.tenant import admission
from tests.manifests.test_tenant_admission import REFUSED_SERVICES, SERVICE, SERVICES, changed
from tests.manifests.test_tenant_admission import refusals as refused
from tests.manifests.test_tenant_bounds import TENANT, Authorizer

AT_HOME = admission.service_policy(["team/dns-lan"])
OFFERED = changed(
    SERVICE,
    metadata={"name": "dns-lan", "namespace": "team"},
    spec__type="LoadBalancer",
    spec__externalTrafficPolicy="Local",
    spec__loadBalancerSourceRanges=["10.0.0.0/24"],
)
PLATFORM = Authorizer(frozenset({"update services"}))
REQUEST = {"resource": {"group": "", "resource": "services"}}
NOT_OFFERED: dict[str, dict[str, Any]] = {
    "another name": changed(OFFERED, metadata__name="web-lan"),
    "another workspace": changed(OFFERED, metadata__namespace="other"),
    "a NodePort": changed(OFFERED, spec__type="NodePort"),
    "an ExternalName": changed(OFFERED, spec__type="ExternalName"),
    "clients that nobody sees": changed(OFFERED, spec__externalTrafficPolicy="Cluster"),
    "clients that nobody sees, unsaid": changed(OFFERED, spec__externalTrafficPolicy=None),
    "everybody": changed(OFFERED, spec__loadBalancerSourceRanges=[]),
    "everybody, unsaid": changed(OFFERED, spec__loadBalancerSourceRanges=None),
}


def refusals(policy: dict[str, Any], thing: dict[str, Any], who: Authorizer = TENANT) -> list[str]:
    return refused(policy, thing, authorizer=who, request=REQUEST)


def test_what_the_stack_gives_to_the_home_network_passes() -> None:
    assert refusals(AT_HOME, OFFERED, who=PLATFORM) == []
    assert refusals(AT_HOME, SERVICE) == []
    assert refusals(AT_HOME, changed(SERVICE, spec__type="ClusterIP")) == []


@pytest.mark.parametrize("case", NOT_OFFERED)
def test_what_the_stack_does_not_give_is_refused_to_the_platform_too(case: str) -> None:
    [why] = refusals(AT_HOME, NOT_OFFERED[case], who=PLATFORM)
    assert why.startswith("the type must be ClusterIP")


@pytest.mark.parametrize("who", [frozenset(), frozenset({"update pods", "update secrets"})], ids=len)
def test_no_tenant_makes_or_changes_what_is_offered_at_home(who: frozenset[str]) -> None:
    [why] = refusals(AT_HOME, OFFERED, who=Authorizer(who))
    assert why.startswith("the type must be ClusterIP")


@pytest.mark.parametrize("case", REFUSED_SERVICES)
def test_what_is_refused_stays_refused_where_something_is_offered(case: str) -> None:
    thing, why = REFUSED_SERVICES[case]
    thing = changed(thing, metadata=OFFERED["metadata"])
    assert [each for each in refusals(AT_HOME, thing, who=PLATFORM) if each.startswith(why)]


def test_a_stack_that_gives_nothing_has_the_policy_that_it_had() -> None:
    assert admission.service_policy([]) == SERVICES
    assert "LoadBalancer" not in str(SERVICES)
