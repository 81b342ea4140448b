"""One app of a workspace: its pods and everything that stands around them.

Does not own the namespace, egress, routes or sign-in (`components.workspace`); decides nothing (`spec.app.apps`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi

from spec import names
from spec.app import apps, containers, storage
from spec.app.static import StaticFiles
from spec.workspace import App

from .native import KubernetesObject, RandomBytes, fingerprint

Manifest = dict[str, Any]


@dataclass(frozen=True)
class TenantAppArgs:
    """What a `TenantApp` is made from."""

    workspace: str
    """The namespace."""
    name: str
    """The app's name in it, which is the name of every object."""
    app: App
    namespace: pulumi.Resource
    """The Namespace, which is there before anything in it."""
    ingress_peer: Manifest
    """The ingress controller's pods, as a NetworkPolicy peer."""
    salt: RandomBytes
    """Keys the checksum of the app's secrets."""
    secrets: Mapping[str, pulumi.Output[str]] = field(default_factory=dict)
    """The stack's secrets by name; the app's Secret gets those that it reads, and no others."""
    files: StaticFiles | None = None
    """The files of a static app."""
    image: str | None = None
    """The stack's override of the image."""
    guards: Sequence[pulumi.Resource] = ()
    """What is there before everything else: quota, defaults and the policies for all pods."""
    protect_data: bool = True


class TenantApp(pulumi.ComponentResource):
    """An app as a Deployment, or as a CronJob where it has a schedule.

    Makes, as far as the app needs them: ConfigMap, Secret, PersistentVolumeClaims (and PersistentVolumes for NFS), the
    Deployment or CronJob, ClusterIP Service, HorizontalPodAutoscaler, PodDisruptionBudget; and always exactly one
    NetworkPolicy, before the pods.
    """

    service: str | None
    """The Service's name; None for an app without ports."""
    ports: Mapping[str, int]
    """The Service's ports by name."""

    def __init__(self, name: str, args: TenantAppArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("warren:components:TenantApp", name, {}, opts)
        unit = apps.Unit(args.workspace, args.name, args.app, args.image, args.files)
        # The quota first: it has grown by what is new here before that is made.
        inside = pulumi.ResourceOptions(parent=self, depends_on=[args.namespace, *args.guards])

        def make(role: str, manifest: Manifest | None) -> list[KubernetesObject]:
            return [] if manifest is None else [KubernetesObject(f"{name}-{role}", manifest, inside)]

        config = apps.config_map(unit)
        secrets = {key: args.secrets[key] for key in containers.secrets_of(args.app)}
        needed = [
            *make("wall", apps.wall(unit, args.ingress_peer)),
            *make("config", config),
            *make("secret", _secret(unit, secrets)),
            *_volumes(name, args, self),
        ]
        # Never the Service: it waits for endpoints, which are the pods of this Deployment (rule 33).
        pods = pulumi.ResourceOptions(
            parent=self,
            depends_on=[args.namespace, *args.guards, *needed],
            custom_timeouts=pulumi.CustomTimeouts(
                create=f"{apps.rollout_seconds(args.app)}s", update=f"{apps.update_seconds(args.app)}s"
            ),
        )
        annotations = _checksum(config, secrets, args.salt)
        if args.app.schedule is not None:
            KubernetesObject(f"{name}-cronjob", apps.cron_job(unit, annotations), pods)
        else:
            KubernetesObject(f"{name}-deployment", apps.deployment(unit, annotations), pods)
        service = apps.service(unit)
        make("service", service)
        make("autoscaler", apps.autoscaler(unit))
        make("budget", apps.budget(unit))

        self.service = None if service is None else args.name
        self.ports = {} if service is None else {port["name"]: port["port"] for port in service["spec"]["ports"]}
        self.register_outputs({"service": self.service, "ports": dict(self.ports)})


def _secret(unit: apps.Unit, secrets: Mapping[str, pulumi.Output[str]]) -> Manifest | None:
    if not secrets:
        return None
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": unit.metadata(),
        "type": "Opaque",
        "stringData": dict(secrets),
    }


def _checksum(config: Manifest | None, secrets: Mapping[str, pulumi.Output[str]], salt: RandomBytes) -> dict[str, Any]:
    """The pod template's checksum of exactly what its pods read.

    Keyed only where secrets are in it, so that a preview can show the others.
    """
    digest = apps.config_digest(config)
    if secrets:
        parts: dict[str, pulumi.Input[str]] = {f"secret/{key}": value for key, value in secrets.items()}
        return {names.CHECKSUM_ANNOTATION: fingerprint(salt, {**parts, "config": digest or ""})}
    return {} if digest is None else {names.CHECKSUM_ANNOTATION: digest}


def _volumes(name: str, args: TenantAppArgs, parent: pulumi.Resource) -> list[KubernetesObject]:
    made: list[KubernetesObject] = []
    # A PersistentVolume is in no namespace, but goes with its claim.
    for volume, manifest in storage.nfs_volumes(args.workspace, args.name, args.app).items():
        opts = pulumi.ResourceOptions(parent=parent, protect=args.protect_data, depends_on=[args.namespace])
        made.append(KubernetesObject(f"{name}.{volume}-volume", manifest, opts))
    for volume, manifest in storage.claims(args.workspace, args.name, args.app).items():
        needed = [args.namespace, *args.guards, *made]
        opts = pulumi.ResourceOptions(parent=parent, protect=args.protect_data, depends_on=needed)
        made.append(KubernetesObject(f"{name}.{volume}-claim", manifest, opts))
    return made
