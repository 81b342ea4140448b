"""What the kubernetes stand-in refuses about one object.  Each row breaks one field of a valid object."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.kubernetes import rules, schema
from sandbox.kubernetes.schema import Kind
from sandbox.wire import UNKNOWN
from tests.sandbox.objects import POD_SPEC, REMOVED, VALID, Manifest, changed

POD = "spec.template.spec"
CONTAINER = f"{POD}.containers.0"
IN_POD = "spec.template.spec.containers[0]"
PATH = "spec.rules.0.http.paths.0"
IN_PATH = "spec.rules[0].http.paths[0]"
EGRESS = "spec.egress.0"


def problems(manifest: Manifest) -> list[str]:
    kind = Kind.of(manifest["apiVersion"], manifest["kind"])
    found = schema.problems(kind, manifest)
    return [str(problem) for problem in found or rules.problems(kind, manifest)]


@pytest.mark.parametrize("name", VALID)
def test_a_valid_object_is_accepted(name: str) -> None:
    assert problems(VALID[name]) == []


SCHEMA: list[tuple[str, str, Any, str]] = [
    ("deployment", f"{CONTAINER}.prots", [], f"{IN_POD}.prots: unknown field (did you mean ports?)"),
    ("deployment", "spec.zzz", 1, "spec.zzz: unknown field"),
    ("deployment", "spec.replicas", "2", "spec.replicas: must be an integer, not a string"),
    ("deployment", "spec.replicas", True, "spec.replicas: must be an integer, not a boolean"),
    ("deployment", "spec.selector", REMOVED, "spec.selector: required"),
    ("deployment", f"{CONTAINER}.name", REMOVED, f"{IN_POD}.name: required"),
    ("deployment", f"{CONTAINER}.command", "run", f"{IN_POD}.command: must be an array, not a string"),
    (
        "deployment",
        f"{CONTAINER}.imagePullPolicy",
        "Sometimes",
        f"{IN_POD}.imagePullPolicy: 'Sometimes' is not one of Always, IfNotPresent, Never",
    ),
    ("deployment", f"{CONTAINER}.env.1.name", "MODE", f"{IN_POD}.env[1]: duplicate of [0]: MODE"),
    ("deployment", f"{CONTAINER}.ports.1.containerPort", 8000, f"{IN_POD}.ports[1]: duplicate of [0]: 8000, TCP"),
    (
        "deployment",
        f"{CONTAINER}.volumeMounts.1.mountPath",
        "/data",
        f"{IN_POD}.volumeMounts[1]: duplicate of [0]: /data",
    ),
    ("deployment", f"{POD}.volumes.1.name", "data", "spec.template.spec.volumes[1]: duplicate of [0]: data"),
    ("config-map", "data.count", 3, "data[count]: must be a string, not an integer"),
    ("service", "spec.type", "Cluster", "'Cluster' is not one of ClusterIP, ExternalName, LoadBalancer, NodePort"),
    ("claim", "spec.accessModes.0", "ReadWrite", "spec.accessModes[0]: 'ReadWrite' is not one of"),
    ("ingress", f"{PATH}.pathType", REMOVED, f"{IN_PATH}.pathType: required"),
    ("ingress", f"{PATH}.pathType", "Regex", f"{IN_PATH}.pathType: 'Regex' is not one of Exact"),
    ("network-policy", "spec.policyTypes.0", "Both", "spec.policyTypes[0]: 'Both' is not one of Egress, Ingress"),
    ("cron-job", "spec.concurrencyPolicy", "Never", "'Never' is not one of Allow, Forbid, Replace"),
    ("role-binding", "subjects.0.kind", "Team", "subjects[0].kind: 'Team' is not one of Group, ServiceAccount, User"),
    ("admission-binding", "spec.validationActions.0", "Stop", "'Stop' is not one of Audit, Deny, Warn"),
]
NAMES: list[tuple[str, str, Any, str]] = [
    ("config-map", "metadata.name", "One", "metadata.name: 'One' is not a DNS name"),
    ("config-map", "metadata.name", "a" * 254, "is longer than 253 characters"),
    ("namespace", "metadata.name", "a.b", "metadata.name: 'a.b' is not a DNS label"),
    ("namespace", "metadata.name", "a" * 64, "is longer than 63 characters"),
    ("service", "metadata.name", "1st", "metadata.name: '1st' is not a DNS-1035 label"),
    ("role", "metadata.name", "a/b", "metadata.name: 'a/b' may not be empty"),
    ("namespace", "metadata.namespace", "team", "metadata.namespace: must not be given: a Namespace has no namespace"),
    ("config-map", "metadata.namespace", "Team", "metadata.namespace: 'Team' is not a DNS label"),
    ("config-map", "metadata/labels/-a", "b", "metadata.labels: '-a': not 1 to 63 letters"),
    ("config-map", "metadata.labels.a", "-", "metadata.labels[a]: '-' is not at most 63 letters"),
    ("config-map", "metadata.labels.a", "a b", "metadata.labels[a]: 'a b' is not at most 63 letters"),
    ("config-map", "metadata.annotations", {"a b": "c"}, "metadata.annotations: 'a b': not 1 to 63"),
    ("config-map", "metadata.annotations.a", "x" * 262144, "may have 262144"),
    ("cron-job", "metadata.name", "n" * 53, "metadata.name: must be at most 52 characters"),
    ("custom-definition", "metadata.name", "widget.example.com", "metadata.name: must be widgets.example.com"),
    ("priority-class", "metadata.name", "system-mine", "names that start with system- belong to Kubernetes"),
]
PODS: list[tuple[str, str, Any, str]] = [
    ("deployment", f"{POD}.containers", [], "spec.template.spec.containers: required"),
    ("deployment", f"{CONTAINER}.name", "wait", "duplicate container name 'wait'"),
    ("deployment", f"{CONTAINER}.name", "Web", f"{IN_POD}.name: 'Web' is not a DNS label"),
    ("deployment", f"{CONTAINER}.image", "", f"{IN_POD}.image: required"),
    ("deployment", f"{CONTAINER}.image", " web", f"{IN_POD}.image: must not have leading or trailing spaces"),
    (
        "deployment",
        f"{CONTAINER}.ports.0.containerPort",
        80800,
        f"{IN_POD}.ports[0].containerPort: 80800 is not a port",
    ),
    ("deployment", f"{CONTAINER}.ports.0.name", "the-web-frontend", "'the-web-frontend' is not a port name"),
    ("deployment", f"{CONTAINER}.ports.1.name", "http", f"{IN_POD}.ports[1].name: duplicate port name 'http'"),
    ("deployment", f"{CONTAINER}.env.0.name", "A=B", "'A=B' is not the name of an environment variable"),
    ("deployment", f"{CONTAINER}.env.1.value", "x", f"{IN_POD}.env[1].valueFrom: may not be given beside value"),
    ("deployment", f"{CONTAINER}.env.1.valueFrom", {}, f"{IN_POD}.env[1].valueFrom: needs a source"),
    ("deployment", f"{CONTAINER}.env.1.valueFrom.secretKeyRef.key", "a/b", "'a/b' is not a valid key"),
    (
        "deployment",
        f"{CONTAINER}.volumeMounts.0.name",
        "dta",
        f"{IN_POD}.volumeMounts[0].name: there is no volume 'dta'",
    ),
    ("deployment", f"{CONTAINER}.volumeMounts.0.subPath", "../x", "'../x' must be relative and stay inside the volume"),
    (
        "deployment",
        f"{CONTAINER}.readinessProbe.exec",
        {"command": ["true"]},
        "readinessProbe: may have only one handler",
    ),
    ("deployment", f"{CONTAINER}.readinessProbe.httpGet", REMOVED, "readinessProbe: needs a handler"),
    ("deployment", f"{CONTAINER}.livenessProbe.tcpSocket.port", 0, "livenessProbe.tcpSocket.port: 0 is not a port"),
    ("deployment", f"{CONTAINER}.livenessProbe.periodSeconds", 0, "livenessProbe.periodSeconds: must be at least 1"),
    ("deployment", f"{CONTAINER}.livenessProbe.successThreshold", 2, "livenessProbe.successThreshold: must be 1"),
    ("deployment", f"{POD}.initContainers.0.livenessProbe", {"tcpSocket": {"port": 1}}, "only as a sidecar"),
    ("deployment", f"{CONTAINER}.resources.requests.cpu", "50mm", "requests[cpu]: '50mm' is not a quantity"),
    ("deployment", f"{CONTAINER}.resources.requests.cpu", "-1", "requests[cpu]: -1 is negative"),
    ("deployment", f"{CONTAINER}.resources.requests.cpu", "2", "requests[cpu]: 2 is more than the limit 1"),
    (
        "deployment",
        f"{CONTAINER}.resources.requests.memory",
        "1Gi",
        "requests[memory]: 1Gi is more than the limit 256Mi",
    ),
    ("deployment", f"{CONTAINER}.resources.limits.memry", "1Gi", "limits[memry]: is neither a standard resource"),
    ("deployment", f"{CONTAINER}.securityContext.privileged", True, "cannot be false while privileged is true"),
    ("deployment", f"{CONTAINER}.securityContext.runAsUser", -1, "securityContext.runAsUser: must be at least 0"),
    ("deployment", f"{POD}.securityContext.seccompProfile.type", "Localhost", "localhostProfile: required"),
    ("deployment", f"{POD}.volumes.1.configMap", {"name": "x"}, "needs exactly one source, not configMap and emptyDir"),
    ("deployment", f"{POD}.volumes.1.emptyDir", REMOVED, "spec.template.spec.volumes[1]: needs exactly one source"),
    ("deployment", f"{POD}.volumes.1.emptyDir.sizeLimit", "64MB", "'64MB' is not a quantity"),
    ("deployment", f"{POD}.volumes.0", {"name": "data", "secret": {"secretName": "s", "defaultMode": 511 + 1}}, "0777"),
    ("deployment", f"{POD}.restartPolicy", "Never", "spec.template.spec.restartPolicy: must be Always, not Never"),
    ("deployment", f"{POD}.tolerations.0.value", "x", "tolerations[0].value: must be empty with operator Exists"),
    ("deployment", f"{POD}.tolerations.0.tolerationSeconds", 5, "tolerations[0].effect: must be NoExecute"),
    ("deployment", f"{POD}.topologySpreadConstraints.0.maxSkew", 0, "maxSkew: must be at least 1"),
    (
        "deployment",
        f"{POD}.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution.0.weight",
        0,
        "weight: must be 1 to 100",
    ),
    ("deployment", f"{POD}.hostAliases", [{"ip": "10.0.0", "hostnames": ["a"]}], "'10.0.0' is not an IP address"),
    ("deployment", f"{POD}.dnsPolicy", "None", "dnsConfig.nameservers: required with dnsPolicy None"),
    ("deployment", f"{POD}.nodeSelector", {"a b": "c"}, "nodeSelector: 'a b': not 1 to 63"),
]
WORKLOADS: list[tuple[str, str, Any, str]] = [
    ("deployment", "spec.replicas", -1, "spec.replicas: must be at least 0"),
    ("deployment", "spec.selector.matchLabels.app", "api", "must have app: api, which spec.selector selects"),
    ("deployment", "spec.selector.matchLabels", {}, "spec.selector: must select something"),
    ("deployment", "spec.strategy.type", "Recreate", "rollingUpdate: must be absent with type Recreate"),
    (
        "deployment",
        "spec.strategy.rollingUpdate",
        {"maxSurge": 0, "maxUnavailable": 0},
        "may not be 0 when maxSurge is 0",
    ),
    ("deployment", "spec.strategy.rollingUpdate.maxSurge", "lots", "'lots' is neither a number nor a percentage"),
    ("stateful-set", "spec.volumeClaimTemplates.0.metadata.name", "disk", "there is no volume 'data'"),
    ("stateful-set", "spec.volumeClaimTemplates.0.spec.accessModes", [], "accessModes: required"),
    ("job", "spec.template.spec.restartPolicy", "Always", "restartPolicy: must be OnFailure or Never, not Always"),
    ("job", "spec.backoffLimit", -1, "spec.backoffLimit: must be at least 0"),
    ("cron-job", "spec.schedule", "30 3 * *", "'30 3 * *' has 4 fields"),
    ("cron-job", "spec.schedule", "60 3 * * *", "'60' is not a minute (0-59)"),
    ("cron-job", "spec.schedule", "0 3 * * 7", "'7' is not a day of week (0-6)"),
    ("cron-job", "spec.schedule", "*/0 * * * *", "'*/0' is not a minute"),
    ("cron-job", "spec.schedule", "@nightly", "'@nightly' is not a schedule"),
    ("cron-job", "spec.schedule", "TZ=UTC 0 3 * * *", "the time zone belongs in timeZone"),
    ("cron-job", "spec.timeZone", "Local", "spec.timeZone: must be a time zone name"),
    ("autoscaler", "spec.minReplicas", 4, "spec.maxReplicas: 3 is less than minReplicas 4"),
    ("autoscaler", "spec.maxReplicas", 0, "spec.maxReplicas: must be at least 1"),
    ("autoscaler", "spec.metrics.0.type", "Pods", "spec.metrics[0].pods: required with type Pods"),
    ("budget", "spec.maxUnavailable", 1, "spec: may have only one minAvailable or maxUnavailable"),
    ("budget", "spec.minAvailable", REMOVED, "spec: needs minAvailable or maxUnavailable"),
    ("budget", "spec.minAvailable", "half", "'half' is neither a number nor a percentage"),
    ("quota", "spec/hard/limits.memory", "2 GB", "'2 GB' is not a quantity"),
    ("quota", "spec/hard/limits.gpus", "1", "spec.hard[limits.gpus]: is not a resource that a quota can limit"),
    ("limit-range", "spec.limits.0.defaultRequest.cpu", "1", "defaultRequest[cpu]: 1 is more than default 500m"),
    ("limit-range", "spec.limits.0.default.cpu", "3", "default[cpu]: 3 is more than max 2"),
    ("limit-range", "spec.limits.0.min.cpu", "3000m", "min[cpu]: 3000m is more than"),
    ("claim", "spec.resources.requests", {}, "spec.resources.requests[storage]: required"),
    ("claim", "spec.resources.requests.storage", "0", "must be more than 0"),
    ("claim", "spec.accessModes", [], "spec.accessModes: required"),
]
NETWORKS: list[tuple[str, str, Any, str]] = [
    ("service", "spec.ports.0.port", 70000, "spec.ports[0].port: 70000 is not a port (1-65535)"),
    ("service", "spec.ports.0.targetPort", "HTTP", "'HTTP' is not a port name"),
    ("service", "spec.ports.1", {"port": 81}, "spec.ports[1].name: required when there is more than one port"),
    ("service", "spec.ports.1", {"port": 81, "name": "http"}, "spec.ports[1].name: duplicate port name 'http'"),
    ("service", "spec.ports", [], "spec.ports: required"),
    ("service", "spec.ports.0.nodePort", 30080, "nodePort: may not be given with type ClusterIP"),
    ("service", "spec.clusterIP", "10.43.0.300", "spec.clusterIP: '10.43.0.300' is not an IP address"),
    ("service", "spec.type", "ExternalName", "spec.externalName: required"),
    ("service", "spec.selector.app", "a b", "spec.selector[app]: 'a b' is not"),
    ("ingress", "spec.rules", [], "spec: needs rules or a defaultBackend"),
    ("ingress", "spec.rules.0.host", "10.0.0.1", "'10.0.0.1' is an address; it must be a DNS name"),
    ("ingress", "spec.rules.0.host", "MCD.example.com", "is not a DNS name"),
    ("ingress", "spec.rules.0.host", "a.*.example.com", "is not a DNS name"),
    ("ingress", f"{PATH}.path", "hello", f"{IN_PATH}.path: 'hello' must start with '/'"),
    ("ingress", f"{PATH}.path", "/a//b", f"{IN_PATH}.path: '/a//b' must not contain '//'"),
    ("ingress", f"{PATH}.path", "/a/..", "must not contain '/..'"),
    ("ingress", f"{PATH}.path", "/a%2fb", "must not contain '%2f'"),
    ("ingress", f"{PATH}.path", REMOVED, f"{IN_PATH}.path: required with pathType Prefix"),
    ("ingress", f"{PATH}.backend", {}, f"{IN_PATH}.backend: needs a service or resource"),
    ("ingress", f"{PATH}.backend.service.port", {}, "service.port: needs a name or number"),
    ("ingress", f"{PATH}.backend.service.port.name", "http", "service.port: may have only one name or number"),
    ("ingress", f"{PATH}.backend.service.port.number", 0, "0 is not a port"),
    ("ingress", f"{PATH}.backend.service.name", "Hello", "'Hello' is not a DNS-1035 label"),
    ("ingress-class", "spec.controller", "nginx", "spec.controller: 'nginx' must be a path with a domain"),
    ("network-policy", f"{EGRESS}.to.0.ipBlock.cidr", "10.0.0.1/8", "'10.0.0.1/8' is not a CIDR block"),
    ("network-policy", f"{EGRESS}.to.0.ipBlock.cidr", "10.0.0.0/33", "'10.0.0.0/33' is not a CIDR block"),
    ("network-policy", f"{EGRESS}.to.0.ipBlock.except.0", "0.0.0.0/0", "must be inside 0.0.0.0/0 and smaller"),
    ("network-policy", f"{EGRESS}.to.0.ipBlock.except.0", "fd00::/8", "fd00::/8 must be inside 0.0.0.0/0"),
    ("network-policy", f"{EGRESS}.to.0.podSelector", {}, "ipBlock may not be given beside podSelector"),
    ("network-policy", f"{EGRESS}.to.0", {}, "spec.egress[0].to[0]: needs a podSelector"),
    ("network-policy", f"{EGRESS}.ports.0.port", 0, "spec.egress[0].ports[0].port: 0 is not a port"),
    ("network-policy", f"{EGRESS}.ports.0", {"port": 90, "endPort": 80}, "endPort: 80 is less than port 90"),
    ("network-policy", f"{EGRESS}.ports.0.port", "http", "endPort: needs a port that is a number"),
    (
        "network-policy",
        "spec.podSelector.matchExpressions",
        [{"key": "a", "operator": "In"}],
        "values: required with In and NotIn",
    ),
]
POLICIES: list[tuple[str, str, Any, str]] = [
    ("config-map", "data", {"a b": "c"}, "data: 'a b' is not a valid key"),
    ("config-map", "data", {"..": "c"}, "data: '..' is not a valid key"),
    ("config-map", "data", {"logo.png": "c"}, "binaryData[logo.png]: is also a key of data"),
    ("config-map", "data.big", "x" * 1048577, "a ConfigMap may have 1048576"),
    ("config-map", "binaryData", {"x": "not base64!"}, "binaryData[x]: is not base64"),
    ("secret", "data.a", "hunter2!", "data[a]: is not base64"),
    ("secret", "stringData.b", "x" * 1048577, "a Secret may have 1048576"),
    ("secret", "type", "kubernetes.io/tls", "data[tls.crt]: required with type kubernetes.io/tls"),
    ("secret", "type", "kubernetes.io/basic-auth", "needs username or password"),
    ("role", "rules.0.verbs", [], "rules[0].verbs: required"),
    ("role", "rules.0.apiGroups", [], "rules[0].apiGroups: required"),
    ("role", "rules.0", {"nonResourceURLs": ["/x"], "verbs": ["get"]}, "a Role in a namespace cannot have these"),
    ("cluster-role", "rules.0.resources", ["pods"], "may not have resources and nonResourceURLs"),
    ("role-binding", "roleRef.kind", "Group", "roleRef.kind: must be Role or ClusterRole, not Group"),
    ("role-binding", "roleRef.apiGroup", "rbac", "roleRef.apiGroup: must be rbac.authorization.k8s.io"),
    ("role-binding", "subjects.0.namespace", REMOVED, "subjects[0].namespace: required for a ServiceAccount"),
    ("role-binding", "subjects.1.namespace", "team", "subjects[1].namespace: must be empty for a Group"),
    ("cluster-role-binding", "roleRef.kind", "Role", "roleRef.kind: must be ClusterRole, not Role"),
    ("priority-class", "value", 2_000_000_000, "value: must be at most 1000000000"),
    ("admission-policy", "spec.validations", [], "validations or auditAnnotations are required"),
    ("admission-policy", "spec.validations.0.expression", " ", "spec.validations[0].expression: required"),
    ("admission-policy", "spec.matchConstraints", {}, "spec.matchConstraints.resourceRules: required"),
    ("admission-binding", "spec.validationActions", ["Deny", "Warn"], "may not have Deny and Warn together"),
    ("admission-binding", "spec.validationActions", [], "spec.validationActions: required"),
    ("custom-definition", "spec.versions.0.storage", False, "exactly one version must have storage: true"),
]


@pytest.mark.parametrize(("base", "path", "value", "message"), SCHEMA + NAMES + PODS + WORKLOADS + NETWORKS + POLICIES)
def test_a_broken_field_is_refused_with_its_path_and_reason(base: str, path: str, value: Any, message: str) -> None:
    found = problems(changed(base, path, value))
    assert any(message in problem for problem in found), found


def test_no_message_about_a_secret_holds_its_value() -> None:
    for path, value in (("data.a", "hunter2!"), ("stringData/bad key", "hunter2!"), ("type", "kubernetes.io/tls")):
        found = problems(changed("secret", path, value))
        assert found
        assert all("hunter2" not in problem for problem in found)


def test_every_mistake_of_an_object_is_reported_at_once() -> None:
    manifest = changed("deployment", f"{CONTAINER}.prots", [])
    manifest["spec"]["replicas"] = "2"
    manifest["metadata"]["nme"] = "x"
    assert len(problems(manifest)) == 3


@pytest.mark.parametrize(
    ("base", "path"),
    [
        ("deployment", "spec.replicas"),
        ("deployment", "spec.selector.matchLabels.app"),
        ("deployment", CONTAINER),
        ("deployment", f"{CONTAINER}.image"),
        ("deployment", f"{CONTAINER}.resources.requests.cpu"),
        ("deployment", f"{POD}.volumes"),
        ("secret", "data"),
        ("secret", "stringData.b"),
        ("ingress", "spec.rules"),
        ("ingress", "spec.rules.0.host"),
        ("service", "spec.ports.0.port"),
        ("network-policy", f"{EGRESS}.to.0.ipBlock.cidr"),
        ("config-map", "metadata.name"),
        ("config-map", "data"),
        ("claim", "spec.resources"),
        ("role-binding", "roleRef.name"),
        ("cron-job", "spec.schedule"),
    ],
)
def test_a_value_that_is_not_known_yet_is_good(base: str, path: str) -> None:
    assert problems(changed(base, path, UNKNOWN)) == []


def test_a_field_may_be_null_where_it_may_be_absent() -> None:
    assert problems(changed("deployment", f"{POD}.nodeSelector", None)) == []
    assert problems(changed("deployment", "spec.selector", None)) == ["spec.selector: required"]


def test_the_nearest_kind_is_named_for_one_that_does_not_exist() -> None:
    assert not schema.known(Kind.of("networking.k8s.io/v1beta1", "Ingress"))
    assert schema.nearest(Kind.of("networking.k8s.io/v1beta1", "Ingress")) == "networking.k8s.io/v1 Ingress"
    assert schema.nearest(Kind.of("apps/v1", "Deploymnt")) == "Deployment"


@pytest.mark.parametrize(
    "schedule", ["0 3 * * *", "*/15 0-5 1,15 jan-mar mon-fri", "@daily", "@every 1h30m", "0 0 ? * 0"]
)
def test_a_good_schedule_is_accepted(schedule: str) -> None:
    assert problems(changed("cron-job", "spec.schedule", schedule)) == []


def test_every_closed_set_names_a_field_of_the_schemas() -> None:
    from sandbox.kubernetes.enums import ENUMS

    definitions = schema._definitions()
    for name, fields in ENUMS.items():
        for field in fields:
            assert field in definitions[name]["properties"], f"{name}.{field}"


def test_every_kind_with_rules_of_its_own_exists() -> None:
    for group, kind in [*rules._RULES, *rules._NAMES]:
        assert any(known.group == group and known.kind == kind for known in schema._kinds()), kind


def test_every_cluster_wide_kind_exists() -> None:
    kinds = {kind.kind for kind in schema._kinds()} | {"StorageVersionMigration"}
    assert kinds >= rules.CLUSTER_SCOPED


IMMUTABLE: list[tuple[str, str, Any, str]] = [
    ("claim", "spec.resources.requests.storage", "512Mi", "a claim cannot be made smaller"),
    ("claim", "spec.volumeMode", "Block", "spec.volumeMode: field is immutable"),
    ("ingress-class", "spec.controller", "example.com/other", "spec.controller: field is immutable"),
    ("priority-class", "value", 5, "value: field is immutable"),
    ("stateful-set", "spec.selector.matchLabels.app", "x", "of a StatefulSet can be changed"),
]


@pytest.mark.parametrize(("base", "path", "value", "message"), IMMUTABLE)
def test_a_change_the_api_server_refuses_is_refused(base: str, path: str, value: Any, message: str) -> None:
    old, new = VALID[base], changed(base, path, value)
    found = rules.problems_of_update(Kind.of(old["apiVersion"], old["kind"]), old, new)
    assert [message in str(problem) for problem in found] == [True]


def test_a_claim_may_grow_and_a_stateful_set_may_scale() -> None:
    for base, path, value in (
        ("claim", "spec.resources.requests.storage", "2Gi"),
        ("stateful-set", "spec.replicas", 2),
    ):
        old = VALID[base]
        assert rules.problems_of_update(Kind.of(old["apiVersion"], old["kind"]), old, changed(base, path, value)) == []


def test_the_pod_spec_of_the_tables_is_used_by_every_workload() -> None:
    assert VALID["deployment"]["spec"]["template"]["spec"] is POD_SPEC
