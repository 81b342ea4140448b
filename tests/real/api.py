"""A small client of a Kubernetes API server for tests: objects in, answers out, warnings kept.

Owns: one kept connection, the path of an object from its kind, and what the server said.  kubectl would do, at a tenth
of a second a call; these tests make thousands.
"""

from __future__ import annotations

import dataclasses
import http.client
import json
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

Manifest = dict[str, Any]

MANAGER = "pulumi-kubernetes-test"
"""The field manager; pulumi-kubernetes calls its own `pulumi-kubernetes-<eight characters>`."""


@dataclass(frozen=True)
class Answer:
    """What the API server said to one request."""

    status: int
    body: Manifest
    warnings: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether the request was done."""
        return self.status < 300

    @property
    def message(self) -> str:
        """The reason it was not done."""
        return str(self.body.get("message", ""))


@dataclass(frozen=True)
class User:
    """Somebody whom the administrator speaks for (user impersonation)."""

    name: str
    groups: tuple[str, ...] = ("system:authenticated",)


def service_account(namespace: str, name: str) -> User:
    """A ServiceAccount, in the groups that the API server gives it."""
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")
    return User(f"system:serviceaccount:{namespace}:{name}", groups)


class Api:
    """The API server at `host:port`, as the bearer of `token`."""

    def __init__(self, host: str, port: int, token: str, certificate: Path) -> None:
        self._address = (host, port, token, certificate)
        self._token = token
        self._kinds: dict[tuple[str, str], tuple[str, bool]] = {}
        self._user: User | None = None
        context = ssl.create_default_context(cafile=str(certificate))
        self._connection = http.client.HTTPSConnection(host, port, timeout=60, context=context)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def speaking_for(self, user: User) -> Api:
        """The same server, asked as somebody else; close it, too."""
        other = Api(*self._address)
        other._kinds, other._user = self._kinds, user
        return other

    def request(
        self, method: str, path: str, body: Any = None, content: str = "application/json", **query: str
    ) -> Answer:
        """Make one request; `path` is absolute.

        Raises:
            OSError, http.client.HTTPException: there is no server, or it hung up.
        """
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json", "Content-Type": content}
        self._connection.putrequest(method, f"{path}?{urlencode(query)}" if query else path)
        data = b"" if body is None else json.dumps(body).encode()
        for name, value in headers.items():
            self._connection.putheader(name, value)
        if self._user is not None:
            self._connection.putheader("Impersonate-User", self._user.name)
            for group in self._user.groups:
                self._connection.putheader("Impersonate-Group", group)
        self._connection.putheader("Content-Length", str(len(data)))
        try:
            self._connection.endheaders(data)
            response = self._connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise
        try:
            answer = json.loads(text) if text else {}
        except ValueError:
            answer = {"message": text.decode(errors="replace")}
        # RFC 9111 has it as `299 - "text"`.
        warnings = tuple(value.split(" ", 2)[2].strip('"') for value in response.headers.get_all("Warning", []))
        return Answer(response.status, answer, warnings)

    def path(self, version: str, kind: str, namespace: str | None = None, name: str | None = None) -> str:
        """The path of a kind's objects, or of one of them.

        Raises:
            LookupError: the server has no such kind.
        """
        plural, namespaced = self._kind(version, kind)
        parts = [_group(version)]
        if namespaced and namespace is not None:
            parts += ["namespaces", namespace]
        parts += [plural, *([quote(name)] if name is not None else [])]
        return "/".join(parts)

    def _kind(self, version: str, kind: str) -> tuple[str, bool]:
        if (version, kind) not in self._kinds:
            answer = self.request("GET", _group(version))
            for each in answer.body.get("resources", []):
                if "/" not in each["name"]:
                    self._kinds[version, each["kind"]] = (each["name"], each["namespaced"])
        try:
            return self._kinds[version, kind]
        except KeyError:
            raise LookupError(f"the API server has no {version} {kind}") from None

    def path_of(self, manifest: Manifest) -> str:
        """The path of the object that a manifest describes."""
        metadata = manifest["metadata"]
        return self.path(manifest["apiVersion"], manifest["kind"], metadata.get("namespace"), metadata["name"])

    def apply(self, manifest: Manifest, manager: str = MANAGER, **query: str) -> Answer:
        """Server-side apply without force: a conflict is an error, and so is a field that the schema does not know."""
        options = {"fieldManager": manager, "fieldValidation": "Strict", **query}
        return self.request("PATCH", self.path_of(manifest), manifest, "application/apply-patch+yaml", **options)

    def create(self, manifest: Manifest, **query: str) -> Answer:
        """Create an object; `dryRun="All"` only asks whether it would be."""
        metadata = manifest.get("metadata", {})
        path = self.path(manifest["apiVersion"], manifest["kind"], metadata.get("namespace"))
        return self.request("POST", path, manifest, **query)

    def get(self, version: str, kind: str, namespace: str | None = None, name: str | None = None, **query: str) -> Any:
        """One object, or the items of a kind (in all namespaces without one).

        Raises:
            AssertionError: the server refused.
        """
        answer = self.request("GET", self.path(version, kind, namespace, name), **query)
        assert answer.ok, f"{kind} {namespace}/{name}: {answer.status} {answer.message}"
        return answer.body if name is not None else answer.body["items"]

    def merge(self, path: str, change: Mapping[str, Any]) -> Answer:
        """Merge a change into an object, or into its status at `.../status`."""
        return self.request("PATCH", path, change, "application/merge-patch+json")

    def may(self, user: User, verb: str, resource: str, namespace: str = "", name: str = "", group: str = "") -> bool:
        """Ask the authorizer (SubjectAccessReview); `resource` may have a subresource behind a slash."""
        plain, _, sub = resource.partition("/")
        asked = {"verb": verb, "resource": plain, "subresource": sub, "namespace": namespace, "name": name}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {"user": user.name, "groups": list(user.groups), "resourceAttributes": {**asked, "group": group}},
        }
        answer = self.create(review)
        assert answer.ok, answer.message
        return bool(answer.body["status"]["allowed"])


def _group(version: str) -> str:
    return f"/apis/{version}" if "/" in version else f"/api/{version}"


# What has to be there before what: kinds of custom resources, then namespaces and rules, then the rest, then pods.
_FIRST = (
    "CustomResourceDefinition",
    "Namespace",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "IngressClass",
    "PriorityClass",
    "ResourceQuota",
    "LimitRange",
    "NetworkPolicy",
    "ServiceAccount",
)
PODS = frozenset({"Deployment", "CronJob", "Job"})


def in_order(manifests: Iterable[Manifest]) -> list[Manifest]:
    """Manifests in an order in which each finds what it needs, pods last: the program's own order, flattened."""

    def rank(manifest: Manifest) -> int:
        kind = manifest["kind"]
        return _FIRST.index(kind) if kind in _FIRST else len(_FIRST) + (kind in PODS)

    return sorted(manifests, key=rank)


@dataclasses.dataclass(frozen=True)
class Key:
    """What tells an object apart from all others."""

    kind: str
    namespace: str
    name: str

    @classmethod
    def of(cls, manifest: Manifest) -> Key:
        """The key of a manifest or object."""
        metadata = manifest["metadata"]
        return cls(manifest["kind"], metadata.get("namespace", ""), metadata["name"])

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"
