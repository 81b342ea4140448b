"""One app of a workspace: its pods and everything that stands around them.

Does not own the namespace, egress, routes or sign-in (`components.workspace`); decides nothing (`manifests.app`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi

from manifests.app import account, apps, reads, replicas, storage

from .native import KubernetesObject, RandomBytes, fingerprint


@dataclass(frozen=True)
class TenantAppArgs:
    """What a `TenantApp` is made from."""

    unit: apps.Unit
    namespace: pulumi.Resource
    """The Namespace, which is there before anything in it."""
    salt: RandomBytes
    """Keys the checksum of the app's secrets."""
    secrets: Mapping[str, pulumi.Output[str]] = field(default_factory=dict)
    """The stack's secrets by name; the app's Secret gets those that it reads, and no others."""
    guards: Sequence[pulumi.Resource] = ()
    """What is there before everything else: quota, defaults and the policies for all pods."""
    protect_data: bool = True
    after: Sequence[pulumi.Resource] = ()
    """The pods of other apps that have to be there, or have ended, before this one's begin."""


class TenantApp(pulumi.ComponentResource):
    """An app as a Deployment, or as a CronJob, Job or DaemonSet where it says so.

    Makes, as far as the app needs them: ServiceAccount with its roles, ConfigMap, Secret, PersistentVolumeClaims
    (and PersistentVolumes for NFS), what runs the pods, ClusterIP Service, the Service on the home network,
    HorizontalPodAutoscaler, PodDisruptionBudget; and always exactly one NetworkPolicy, before the pods.
    """

    pods: KubernetesObject
    """What runs the app's pods."""

    def __init__(self, name: str, args: TenantAppArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("warren:components:TenantApp", name, {}, opts)
        unit = args.unit
        # The quota first: it has grown by what is new here before that is made.
        before = [args.namespace, *args.guards]
        inside = pulumi.ResourceOptions(parent=self, depends_on=before)

        def make(role: str, manifest: dict[str, Any] | None) -> list[KubernetesObject]:
            return [] if manifest is None else [KubernetesObject(f"{name}-{role}", manifest, inside)]

        config, service = reads.config_map(unit), apps.service(unit)
        secret = reads.secret(unit, args.secrets, pulumi.Output.concat)
        needed = [*make("wall", apps.wall(unit)), *make("config", config), *make("secret", secret)]
        needed += [each for role, manifest in account.objects(unit).items() for each in make(role, manifest)]
        volumes: list[KubernetesObject] = []
        # A PersistentVolume is in no namespace, but goes with its claim.
        for volume, manifest in storage.nfs_volumes(unit.workspace, unit.name, unit.app).items():
            kept = pulumi.ResourceOptions(parent=self, protect=args.protect_data, depends_on=[args.namespace])
            volumes.append(KubernetesObject(f"{name}.{volume}-volume", manifest, kept))
        for volume, manifest in storage.claims(unit.workspace, unit.name, unit.app).items():
            kept = pulumi.ResourceOptions(parent=self, protect=args.protect_data, depends_on=[*before, *volumes])
            volumes.append(KubernetesObject(f"{name}.{volume}-claim", manifest, kept))

        digest = reads.config_digest(config)
        keyed = reads.keyed(digest, secret)
        role, manifest = apps.runs(unit, digest if keyed is None else fingerprint(args.salt, keyed))
        create, update = apps.rollout_seconds(unit.app), apps.update_seconds(unit.app)
        # Never the Service: it waits for endpoints, which are the pods of this Deployment (rule 33).
        last = pulumi.ResourceOptions(
            parent=self,
            depends_on=[*before, *needed, *volumes, *args.after],
            custom_timeouts=pulumi.CustomTimeouts(create=f"{create}s", update=f"{update}s"),
        )
        self.pods = KubernetesObject(f"{name}-{role}", manifest, last)
        make("service", service)
        if (offered := apps.at_home(unit)) is not None:
            KubernetesObject(f"{name}-lan", offered, pulumi.ResourceOptions(parent=self, depends_on=[*before, *needed]))
        make("autoscaler", replicas.autoscaler(unit))
        make("budget", replicas.budget(unit))
        self.register_outputs({"service": unit.name if service else None, "ports": apps.service_ports(unit)})
