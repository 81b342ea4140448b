"""Valid Kubernetes objects for the tables of tests/sandbox, and a way to break one field of them."""

from __future__ import annotations

import copy
from typing import Any

Manifest = dict[str, Any]
REMOVED = object()
"""Stands for a field to take away."""


def _object(api: str, kind: str, name: str = "it", **fields: Any) -> Manifest:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": "team"}, **fields}


def _global(api: str, kind: str, name: str = "it", **fields: Any) -> Manifest:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name}, **fields}


POD_SPEC: Manifest = {
    "serviceAccountName": "web",
    "automountServiceAccountToken": False,
    "securityContext": {"runAsNonRoot": True, "fsGroup": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
    "initContainers": [{"name": "wait", "image": "busybox:1.37"}],
    "containers": [
        {
            "name": "web",
            "image": "example.com/web:1.2.3",
            "ports": [{"containerPort": 8000, "name": "http"}, {"containerPort": 9000, "name": "metrics"}],
            "env": [
                {"name": "MODE", "value": "on"},
                {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "web.key"}}},
            ],
            "readinessProbe": {"httpGet": {"path": "/healthz", "port": "http"}},
            "livenessProbe": {"tcpSocket": {"port": 8000}, "periodSeconds": 10},
            "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"cpu": "1", "memory": "256Mi"}},
            "volumeMounts": [{"name": "data", "mountPath": "/data"}, {"name": "tmp", "mountPath": "/tmp"}],
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        }
    ],
    "volumes": [
        {"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
        {"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}},
    ],
    "tolerations": [{"key": "node-role.kubernetes.io/control-plane", "operator": "Exists", "effect": "NoSchedule"}],
    "topologySpreadConstraints": [
        {
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": {"app": "web"}},
        }
    ],
    "affinity": {
        "podAntiAffinity": {
            "preferredDuringSchedulingIgnoredDuringExecution": [
                {"weight": 100, "podAffinityTerm": {"topologyKey": "kubernetes.io/hostname"}}
            ]
        }
    },
}
_TEMPLATE: Manifest = {"metadata": {"labels": {"app": "web"}}, "spec": POD_SPEC}
_JOB_TEMPLATE: Manifest = {"spec": {**POD_SPEC, "restartPolicy": "Never"}}
_CLAIM: Manifest = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
_RBAC = "rbac.authorization.k8s.io"

VALID: dict[str, Manifest] = {
    "namespace": _global("v1", "Namespace", "team", metadata={"name": "team", "labels": {"warren/workspace": "team"}}),
    "service-account": _object("v1", "ServiceAccount", automountServiceAccountToken=False),
    "config-map": _object("v1", "ConfigMap", data={"app.yaml": "a: 1\n"}, binaryData={"logo.png": "iVBORw0="}),
    "secret": _object("v1", "Secret", type="Opaque", data={"a": "YQ=="}, stringData={"b": "b"}),
    "service": _object(
        "v1",
        "Service",
        spec={"selector": {"app": "web"}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]},
    ),
    "claim": _object("v1", "PersistentVolumeClaim", spec={**_CLAIM, "storageClassName": "local-path"}),
    "quota": _object("v1", "ResourceQuota", spec={"hard": {"requests.cpu": "2", "limits.memory": "2Gi", "pods": "20"}}),
    "limit-range": _object(
        "v1",
        "LimitRange",
        spec={
            "limits": [
                {
                    "type": "Container",
                    "min": {"cpu": "10m"},
                    "defaultRequest": {"cpu": "50m"},
                    "default": {"cpu": "500m"},
                    "max": {"cpu": "2"},
                }
            ]
        },
    ),
    "deployment": _object(
        "apps/v1",
        "Deployment",
        spec={
            "replicas": 2,
            "selector": {"matchLabels": {"app": "web"}},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": "25%"}},
            "template": _TEMPLATE,
        },
    ),
    "daemon-set": _object(
        "apps/v1", "DaemonSet", spec={"selector": {"matchLabels": {"app": "web"}}, "template": _TEMPLATE}
    ),
    "stateful-set": _object(
        "apps/v1",
        "StatefulSet",
        spec={
            "serviceName": "db",
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {**POD_SPEC, "volumes": [POD_SPEC["volumes"][1]]},
            },
            "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": _CLAIM}],
        },
    ),
    "job": _object("batch/v1", "Job", spec={"template": _JOB_TEMPLATE, "backoffLimit": 2}),
    "cron-job": _object(
        "batch/v1",
        "CronJob",
        spec={
            "schedule": "30 3 * * *",
            "concurrencyPolicy": "Forbid",
            "jobTemplate": {"spec": {"template": _JOB_TEMPLATE}},
        },
    ),
    "autoscaler": _object(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        spec={
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "it"},
            "minReplicas": 1,
            "maxReplicas": 3,
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
                }
            ],
        },
    ),
    "budget": _object(
        "policy/v1", "PodDisruptionBudget", spec={"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}
    ),
    "ingress": _object(
        "networking.k8s.io/v1",
        "Ingress",
        spec={
            "ingressClassName": "warren",
            "rules": [
                {
                    "host": "mcd.example.com",
                    "http": {
                        "paths": [
                            {
                                "path": "/hello",
                                "pathType": "Prefix",
                                "backend": {"service": {"name": "hello", "port": {"number": 80}}},
                            }
                        ]
                    },
                }
            ],
        },
    ),
    "ingress-class": _global("networking.k8s.io/v1", "IngressClass", spec={"controller": "k8s.io/ingress-nginx"}),
    "network-policy": _object(
        "networking.k8s.io/v1",
        "NetworkPolicy",
        spec={
            "podSelector": {},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [
                {
                    "from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "warren-ingress"}}}],
                    "ports": [{"port": "http", "protocol": "TCP"}],
                }
            ],
            "egress": [
                {
                    "to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}}],
                    "ports": [{"port": 1, "endPort": 65535, "protocol": "TCP"}],
                }
            ],
        },
    ),
    "role": _object(f"{_RBAC}/v1", "Role", rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]),
    "cluster-role": _global(
        f"{_RBAC}/v1", "ClusterRole", "warren:read", rules=[{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}]
    ),
    "role-binding": _object(
        f"{_RBAC}/v1",
        "RoleBinding",
        roleRef={"apiGroup": _RBAC, "kind": "Role", "name": "it"},
        subjects=[
            {"kind": "ServiceAccount", "name": "web", "namespace": "team"},
            {"kind": "Group", "name": "oidc:team", "apiGroup": _RBAC},
        ],
    ),
    "cluster-role-binding": _global(
        f"{_RBAC}/v1",
        "ClusterRoleBinding",
        roleRef={"apiGroup": _RBAC, "kind": "ClusterRole", "name": "warren:read"},
        subjects=[{"kind": "User", "name": "ada"}],
    ),
    "priority-class": _global("scheduling.k8s.io/v1", "PriorityClass", value=1000),
    "admission-policy": _global(
        "admissionregistration.k8s.io/v1",
        "ValidatingAdmissionPolicy",
        spec={
            "failurePolicy": "Fail",
            "matchConstraints": {
                "resourceRules": [
                    {
                        "apiGroups": ["networking.k8s.io"],
                        "apiVersions": ["v1"],
                        "operations": ["CREATE", "UPDATE"],
                        "resources": ["ingresses"],
                    }
                ]
            },
            "validations": [{"expression": "true", "message": "never"}],
        },
    ),
    "admission-binding": _global(
        "admissionregistration.k8s.io/v1",
        "ValidatingAdmissionPolicyBinding",
        spec={"policyName": "it", "validationActions": ["Deny"]},
    ),
    "custom-definition": _global(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        "widgets.example.com",
        spec={
            "group": "example.com",
            "names": {"kind": "Widget", "plural": "widgets"},
            "scope": "Namespaced",
            "versions": [
                {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
            ],
        },
    ),
}
VALID["namespace"]["metadata"] = {"name": "team", "labels": {"warren/workspace": "team"}}


def changed(base: str, path: str, value: Any) -> Manifest:
    """Return a valid object with one field set (or ``REMOVED``); the path is ``spec.ports.0.port``."""
    manifest = copy.deepcopy(VALID[base])
    *parents, last = path.split("/") if "/" in path else path.split(".")
    at: Any = manifest
    for step in parents:
        at = at[int(step)] if isinstance(at, list) else at.setdefault(step, {})
    if value is REMOVED:
        del at[last]
    elif isinstance(at, list):
        index = int(last)
        at[index : index + 1] = [value]
    else:
        at[last] = value
    return manifest
