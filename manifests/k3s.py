"""The k3s install command of each node, with the flags that this platform needs.

`make k3s` prints them.

Sources: docs.k3s.io/cli/server, /cli/agent and /installation/configuration;
kubernetes.io/docs/reference/access-authn-authz/authentication.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from config.checks import hardware
from config.files.stack_file import stack_document
from config.files.written import as_the_engine_would
from config.load import validate
from config.stack import Node, Stack

PEOPLE_PREFIX = "oidc:"
"""Stands before every user and group that the OIDC issuer names, so that none can call itself `system:masters`."""

VERSION = "v1.36.5+k3s1"
"""What the commands install, on the server first and then on the agents, which must never be newer than it.

The newest release (of September 2026) of the newest Kubernetes that the tests run. Without a version the installer
takes the channel `stable` of that day: a node that is added in a month would be newer than its server, and a new
Kubernetes would come without a word. A later patch of the same 1.36 is fine to write by hand."""

POD_PIDS = 2048
"""How many processes and threads one pod may have (security rule 51). Without a bound one fork bomb takes those of the
whole node: a Pi with 4 GB has about 31,000 (`kernel.threads-max`). Databases need some hundreds."""

_TOKEN_FILE = "/var/lib/rancher/k3s/server/node-token"  # noqa: S105 - a path


def install_commands(stack: Stack) -> dict[str, str]:
    """Node name -> the command to run on that node, the first control-plane node first.

    Empty for distributions that are not installed this way. Nothing secret is in it: the join token is read where it is
    made.
    """
    if stack.cluster.distribution != "k3s":
        return {}
    ordered = sorted(stack.cluster.nodes, key=lambda node: node.role != "control-plane")
    first = ordered[0]
    return {
        node.name: _server(stack, node, first) if node.role == "control-plane" else _agent(stack, node, first)
        for node in ordered
    }


def _server(stack: Stack, node: Node, first: Node) -> str:
    cluster = stack.cluster
    flags = [
        *_node(stack, node),
        f"--tls-san={node.ip}",
        f"--cluster-cidr={cluster.podCidr}",
        f"--service-cidr={cluster.serviceCidr}",
        f"--https-listen-port={cluster.apiPort}",
        # Warren brings its own controller, and the tunnel is the only way in but for what the stack gives.
        f"--disable=traefik{'' if _by_service_lb(stack) else ',servicelb'}",
        "--secrets-encryption",
        "--write-kubeconfig-mode=0600",
        *_people(stack),
    ]
    control_planes = [other for other in cluster.nodes if other.role == "control-plane"]
    if len(control_planes) > 1:
        flags.insert(0, "--cluster-init" if node == first else f"--server=https://{first.ip}:{cluster.apiPort}")
    return _install("" if node == first else _token(first), "server", flags)


def _by_service_lb(stack: Stack) -> bool:
    return any(given.loadBalancerIP is None for given in stack.loadBalancers.values())


def _agent(stack: Stack, node: Node, first: Node) -> str:
    return _install(f"K3S_URL=https://{first.ip}:{stack.cluster.apiPort} {_token(first)}", "agent", _node(stack, node))


def _install(variables: str, role: str, flags: list[str]) -> str:
    told = f"INSTALL_K3S_VERSION={VERSION} {variables}".strip()
    return f"curl -sfL https://get.k3s.io | {told} sh -s - {role} {shlex.join(flags)}"


def _node(stack: Stack, node: Node) -> list[str]:
    unsafe = sorted({sysctl for trust in stack.trust.values() for sysctl in trust.sysctls} - hardware.SAFE_SYSCTLS)
    return [
        f"--node-name={node.name}",
        f"--node-ip={node.ip}",
        f"--kubelet-arg=pod-max-pids={POD_PIDS}",
        # Others end as soon as they start, and are made again and again.
        *([f"--kubelet-arg=allowed-unsafe-sysctls={','.join(unsafe)}"] if unsafe else []),
    ]


def _token(first: Node) -> str:
    return f'K3S_TOKEN="$(ssh {first.ip} sudo cat {_TOKEN_FILE})"'


def _people(stack: Stack) -> list[str]:
    if stack.people is None:
        return []
    people = stack.people
    settings = {
        "oidc-issuer-url": people.issuer,
        "oidc-client-id": people.clientId,
        "oidc-username-claim": people.usernameClaim,
        "oidc-username-prefix": PEOPLE_PREFIX,
        "oidc-groups-claim": people.groupsClaim,
        "oidc-groups-prefix": PEOPLE_PREFIX,
    }
    return [f"--kube-apiserver-arg={key}={value}" for key, value in settings.items()]


def commands_of_file(root: Path, stack_name: str) -> str:
    """The commands as text, from the stack file alone: before there is a cluster, nothing can be previewed against it.

    Raises:
        Mistakes: the stack file is missing or has mistakes.
    """
    written = as_the_engine_would(root, stack_name)
    document, _ = stack_document(root, stack_name, written.config, written.secrets)
    commands = install_commands(validate(Stack, document).model)
    return "\n\n".join(f"# on {node}\n{command}" for node, command in commands.items())
