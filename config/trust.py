"""What a stack lets single apps have that could harm others: its owner's half of what workspace files ask for."""

from __future__ import annotations

from typing import Annotated

from config.fields.containers import ContainerPath
from config.fields.hardware import Capability, Device, ExtendedResource, Sysctl
from config.fields.written import Written
from config.rights import ApiRule
from config.together import such_as


class Trust(Written):
    """What one app may have beyond what its workspace can give. The workspace file has to ask for it as well."""

    rules: tuple[ApiRule, ...] = ()
    """Rights in its own namespace that start pods, read Secrets or change other apps."""
    clusterRules: tuple[ApiRule, ...] = ()
    """What it may read in all namespaces, or of the cluster itself. Secrets never."""
    privileged: bool = False
    """Its containers may do what the node's root may: it has the node, and all that runs there."""
    capabilities: Annotated[tuple[Capability, ...], such_as(["NET_ADMIN"])] = ()
    """What its containers may do of what root may. SYS_ADMIN and some others are as good as `privileged`."""
    daemonSet: bool = False
    """It has a pod on every node, and takes room there."""
    hostNetwork: bool = False
    """It is on its node's network: no wall holds it, and it reaches every app of that node as if it were the ingress
    controller, what listens on the node itself, and all that the node reaches."""
    hostPath: tuple[ContainerPath, ...] = ()
    """Directories of the nodes, each as the app writes it and none inside another one. `/`, `/etc`, `/run`, `/var` and
    much below them are the node."""
    sysctls: tuple[Sysctl, ...] = ()
    """Settings of the kernel that PodSecurity does not call safe."""
    devices: tuple[Device, ...] = ()
    """Devices of the node, written as the app writes them."""
    extendedResources: Annotated[tuple[ExtendedResource, ...], such_as(["gpu.intel.com/i915"])] = ()
    """What device plugins of the nodes bring; the workspace's quota has room for what its file asks for."""
