"""What apps name of a node: capabilities, devices, sysctls, and resources that device plugins bring."""

from __future__ import annotations

from typing import Annotated, Literal

from config import patterns
from config.fields.written import like, matching

Capability = Literal[
    "AUDIT_CONTROL",
    "AUDIT_READ",
    "AUDIT_WRITE",
    "BLOCK_SUSPEND",
    "BPF",
    "CHECKPOINT_RESTORE",
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "IPC_LOCK",
    "IPC_OWNER",
    "KILL",
    "LEASE",
    "LINUX_IMMUTABLE",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "MKNOD",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_RAW",
    "PERFMON",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYSLOG",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_CHROOT",
    "SYS_MODULE",
    "SYS_NICE",
    "SYS_PACCT",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "WAKE_ALARM",
]
"""Linux' capabilities without CAP_, as Kubernetes has them (capabilities(7)). ALL is none of them."""

Device = Annotated[
    str,
    matching(
        patterns.DEVICE, "is not a device below /dev, such as /dev/ttyACM0, nor a folder of them, such as /dev/dri/"
    ),
    like(patterns.DEVICE, "a device below /dev, or a folder of them with / at its end", "/dev/ttyACM0", "/dev/dri/"),
]

Sysctl = Annotated[
    str,
    matching(
        patterns.SYSCTL,
        "is not a sysctl that a pod can have for itself: net.*, fs.mqueue.*, kernel.shm*, kernel.msg* and kernel.sem "
        "are, with dots",
        longest=253,
    ),
    like(patterns.SYSCTL, "a sysctl of the pod's own", "net.ipv4.ip_unprivileged_port_start", maxLength=253),
]
"""A sysctl that has a namespace, so that it is not the whole node's (kubernetes.io/docs/tasks/administer-cluster/
sysctl-cluster)."""

ExtendedResource = Annotated[
    str,
    matching(
        patterns.EXTENDED_RESOURCE, "is not a resource of a device plugin, such as gpu.intel.com/i915", longest=120
    ),
    like(patterns.EXTENDED_RESOURCE, "a resource of a device plugin", "gpu.intel.com/i915", maxLength=120),
]
