"""Every example of docs/apps is admitted by a real API server as it stands, and becomes pods."""

from __future__ import annotations

from scripts import examples
from tests.cluster import test_admission
from tests.cluster.conftest import Cluster, cases
from tests.real import stacks

pytestmark = cases(stacks.SHELF)


def test_every_example_is_admitted_without_an_error_or_a_warning(cluster: Cluster) -> None:
    test_admission.test_every_object_is_admitted_without_an_error_or_a_warning(cluster)
    namespaces = {each["metadata"]["name"] for each in cluster.rendered.of("Namespace")}
    assert set(examples.names()) <= namespaces


def test_every_pod_of_every_example_is_made(cluster: Cluster) -> None:
    """PodSecurity, quotas, limit ranges and the policies let them in, all at once."""
    test_admission.test_every_pod_template_becomes_pods(cluster)
