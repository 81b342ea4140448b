"""Registers Kubernetes, Cloudflare and random resources without importing their typed SDKs.

Importing pulumi_cloudflare alone executes 12 MB of classes and takes 10 seconds at every preview; pulumi_kubernetes
takes 2. The engine needs only the type token, the properties in their wire spelling and the plugin's version, so this
module gives it exactly those. The SDKs stay pinned dependencies: they name the plugins and their versions, and
`tests/components/test_native.py` compares every token and property used here with theirs. docs/decisions/ has the
figures.
"""

from __future__ import annotations

import copy
import functools
import hashlib
import hmac
from collections.abc import Mapping
from importlib import metadata
from typing import Any

import pulumi

Manifest = dict[str, Any]


@functools.cache
def _version(package: str) -> str:
    return metadata.version(f"pulumi-{package}")


def _options(
    package: str, opts: pulumi.ResourceOptions | None, secret_outputs: list[str] | None = None
) -> pulumi.ResourceOptions:
    # A copy with two fields set, and not ResourceOptions.merge, which takes 80 microseconds a resource for the same.
    own = pulumi.ResourceOptions() if opts is None else copy.copy(opts)
    own.version = _version(package)
    own.additional_secret_outputs = secret_outputs
    return own


class Provider(pulumi.ProviderResource):
    """An explicit provider of `package` (kubernetes, cloudflare, random), at the version its pinned SDK names."""

    def __init__(
        self, package: str, name: str, properties: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(package, name, dict(properties), _options(package, opts))


class KubernetesObject(pulumi.CustomResource):
    """One Kubernetes object from its manifest, as pulumi_kubernetes would register it.

    Names and namespaces are in the manifest and fixed, so nothing ever has to be read back from the object.
    """

    def __init__(self, name: str, manifest: Manifest, opts: pulumi.ResourceOptions | None = None) -> None:
        version: str = manifest["apiVersion"]
        kind: str = manifest["kind"]
        token = f"kubernetes:{version if '/' in version else f'core/{version}'}:{kind}"
        secret = ["data", "stringData"] if kind == "Secret" else None
        super().__init__(token, name, manifest, _options("kubernetes", opts, secret))


class Tunnel(pulumi.CustomResource):
    """A Cloudflare tunnel that Cloudflare configures. Its `id` is its UUID."""

    def __init__(
        self, name: str, *, account_id: pulumi.Input[str], tunnel_name: str, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        # tunnelSecret is left to Cloudflare; configSrc never changes, because that would replace the tunnel (security
        # rule 39).
        properties = {"accountId": account_id, "name": tunnel_name, "configSrc": "cloudflare"}
        kind = "cloudflare:index/zeroTrustTunnelCloudflared:ZeroTrustTunnelCloudflared"
        super().__init__(kind, name, properties, _options("cloudflare", opts, ["tunnelSecret"]))


class TunnelConfig(pulumi.CustomResource):
    """A tunnel's one config document: its ingress rules, in order."""

    def __init__(
        self,
        name: str,
        *,
        account_id: pulumi.Input[str],
        tunnel_id: pulumi.Input[str],
        rules: list[Manifest],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        properties = {
            "accountId": account_id,
            "tunnelId": tunnel_id,
            "source": "cloudflare",
            "config": {"ingresses": rules},
        }
        kind = "cloudflare:index/zeroTrustTunnelCloudflaredConfig:ZeroTrustTunnelCloudflaredConfig"
        super().__init__(kind, name, properties, _options("cloudflare", opts))


class DnsRecord(pulumi.CustomResource):
    """One DNS record."""

    def __init__(self, name: str, properties: Manifest, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cloudflare:index/dnsRecord:DnsRecord", name, properties, _options("cloudflare", opts))


def tunnel_token(
    account_id: pulumi.Input[str], tunnel_id: pulumi.Input[str], parent: pulumi.Resource
) -> pulumi.Output[str]:
    """The token cloudflared connects with, always a secret; unknown in a preview until the tunnel exists."""
    result: pulumi.Output[Any] = pulumi.runtime.invoke_output(
        "cloudflare:index/getZeroTrustTunnelCloudflaredToken:getZeroTrustTunnelCloudflaredToken",
        {"accountId": account_id, "tunnelId": tunnel_id},
        opts=pulumi.InvokeOutputOptions(parent=parent, version=_version("cloudflare")),
    )
    return pulumi.Output.secret(result["token"])


class RandomBytes(pulumi.CustomResource):
    """`length` random bytes, kept in the state as a secret."""

    base64: pulumi.Output[str]
    hex: pulumi.Output[str]

    def __init__(self, name: str, length: int, opts: pulumi.ResourceOptions | None = None) -> None:
        properties = {"length": length, "base64": None, "hex": None}
        super().__init__(
            "random:index/randomBytes:RandomBytes", name, properties, _options("random", opts, ["base64", "hex"])
        )


def fingerprint(salt: RandomBytes, parts: Mapping[str, pulumi.Input[str]]) -> pulumi.Output[str]:
    """A keyed checksum of config and secrets, for a pod template: it changes when they do and tells nothing about them.

    It is not a secret itself: a pod template that is one would hide every diff of the pod.
    """

    def digest(values: list[Any]) -> str:
        key, *texts = values
        text = "\0".join(f"{name}\0{value}" for name, value in zip(sorted(parts), texts, strict=True))
        return hmac.new(str(key).encode(), text.encode(), hashlib.sha256).hexdigest()[:16]

    return pulumi.Output.unsecret(
        pulumi.Output.all(salt.base64, *(parts[name] for name in sorted(parts))).apply(digest)
    )
