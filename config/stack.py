"""What a stack says: `Pulumi.<stack>.yaml`, typed. Secret values are never here, only their names."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from config import patterns
from config.containers import EnvText
from config.fields.addresses import Address, Cidr, Domain, Port, Server
from config.fields.containers import EnvName, Image
from config.fields.names import CloudflareId, Name
from config.fields.quantities import Memory
from config.fields.secrets import SecretName
from config.fields.written import Written, like
from config.load_balancer import LoadBalancer
from config.registries import Registry, RegistryName
from config.together import such_as
from config.trust import Trust


class Node(Written):
    """One machine of the cluster."""

    name: Annotated[Name, such_as("pi-1")]
    """As `kubectl get nodes` shows it."""
    role: Literal["control-plane", "worker"]
    """The control plane runs the API server; workloads run on every node."""
    ip: Address
    """Its address on the home network. Warren never connects to it; the k3s install command and the walls name it."""
    cpu: Annotated[int, Field(ge=1, le=512, examples=[4])]
    """Cores."""
    memory: Annotated[Memory, such_as("8Gi")]
    """Installed memory; what Kubernetes itself needs is taken off."""


def _path(text: str) -> str:
    if not text or len(text) > 1000 or any(mark in text for mark in ("\n", "apiVersion", "{", "clusters:")):
        raise ValueError(
            "must be the path of a kubeconfig file, such as ~/.kube/config; its contents would end up in the state"
        )
    return text


def _narrow(cidr: str) -> str:
    network = ip_network(cidr)
    # What comes from the pod network is trusted as a proxy: it has to be a small part of the world (security rule 4).
    if network.prefixlen < (8 if network.version == 4 else 32):
        raise ValueError(f"{cidr} is far wider than a cluster; write what it was installed with, such as 10.42.0.0/16")
    return cidr


ClusterCidr = Annotated[
    Cidr, AfterValidator(_narrow), like(patterns.CLUSTER_CIDR, "the network that the cluster has", "10.42.0.0/16")
]


class Cluster(Written):
    """The Kubernetes cluster, which exists already."""

    kubeconfig: Annotated[
        str,
        AfterValidator(_path),
        like(r"(?![\s\S]*(apiVersion|clusters:))[^\n{]{1,1000}", "the path of a kubeconfig file", "~/.kube/config"),
    ] = "~/.kube/config"
    """A path. The contents never enter the state (security rule 36)."""
    context: Annotated[str, such_as("home")]
    """The context in the kubeconfig. Another one is never used."""
    distribution: Literal["k3s", "talos", "other"] = "k3s"
    """What the bundled parts are called, and whether the `k3s` output has install commands."""
    podCidr: ClusterCidr = "10.42.0.0/16"
    """The network of the pods, as the cluster was installed with."""
    serviceCidr: Annotated[ClusterCidr, such_as("10.43.0.0/16")] = "10.43.0.0/16"
    """The network of the Services, as the cluster was installed with."""
    apiPort: Annotated[Port, such_as(6443)] = 6443
    """Where the API server listens on the control-plane nodes."""
    nodes: Annotated[tuple[Node, ...], Field(min_length=1)]
    """Every machine of the cluster. The capacity check adds up their cpu and memory."""


class Cloudflare(Written):
    """The account and zone. The token is `pulumi config set --secret cloudflare:apiToken`."""

    accountId: CloudflareId
    """32 hexadecimal digits; the dashboard shows them beside the domain."""
    zoneId: CloudflareId
    """The domain's own id, from the same place."""


class Ingress(Written):
    """The ingress controller."""

    controller: Literal["traefik", "nginx"] = "traefik"
    """traefik, or nginx (ingress-nginx, which ended in March 2026)."""
    replicas: Annotated[int, Field(ge=1, le=10)] = 2
    """How many pods, spread over the nodes."""


class Tunnel(Written):
    """cloudflared."""

    replicas: Annotated[int, Field(ge=1, le=25)] = 2
    """How many pods hold the tunnel open, spread over the nodes."""
    protocol: Literal["auto", "quic", "http2"] = "auto"
    """quic is udp 7844, http2 is tcp 7844; auto tries quic first."""


def _https(text: str) -> str:
    if not text.startswith("https://"):
        raise ValueError(f"{text!r} is not an https:// address")
    return text


class People(Written):
    """How `kubectl` users sign in: an OpenID Connect issuer that the API server trusts."""

    issuer: Annotated[
        str,
        AfterValidator(_https),
        like(r"https://[\s\S]*", "an address that starts with https://", "https://id.example.com"),
    ]
    """The issuer's address."""
    clientId: Annotated[str, such_as("kubectl")]
    """The client id that tokens are made for."""
    usernameClaim: str = "email"
    """The claim that names the person."""
    groupsClaim: str = "groups"
    """The claim that lists the groups."""


class Openings(Written):
    """Where workspaces may open their walls to and mount NFS from; nowhere at home when left out (security rule 57)."""

    networks: tuple[Cidr, ...] = ()
    """Networks at home that workspaces may name, whole or in part, in `egress.allow` and as NFS servers."""
    nodes: Annotated[tuple[Name, ...], such_as(["pi-3"])] = ()
    """Nodes whose own addresses they may name too, such as the one with the NFS disk; all that listens there counts."""
    nfsServers: tuple[Server, ...] = ()
    """NFS servers that they may name by host name. The node asks DNS, so a name goes where its DNS record goes."""


class Services(Written):
    """Optional platform services. None exists yet, so the only right value is {}."""


READS_NODES = {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list", "watch"]}


class Stack(Written):
    """Everything under `warren:` in a stack file."""

    domain: Domain
    """The Cloudflare zone that every host lives under."""
    sandbox: bool = False
    """Stand-ins instead of a cluster and an account; only the stack's own file can say so."""
    cluster: Cluster
    """The Kubernetes cluster and its machines."""
    cloudflare: Cloudflare
    """The account and zone."""
    ingress: Ingress = Ingress()
    """The ingress controller."""
    tunnel: Tunnel = Tunnel()
    """cloudflared."""
    workspaces: Annotated[tuple[Name, ...], such_as(["mcd", "perso"])] = ()
    """The workspaces that this stack runs, by name: `workspaces.<stack>/<name>.yaml`, or where there is none,
    `workspaces/<name>.yaml`."""
    images: Annotated[dict[str, Image], such_as({"mcd/hello": "ghcr.io/owner/name:1.2.3"})] = {}
    """Image overrides, `<workspace>/<app>: image`, so that a pipeline can deploy a tag without editing YAML."""
    env: Annotated[dict[EnvName, EnvText], such_as({"TZ": "Europe/Berlin"})] = {}
    """Environment variables of every app of every workspace; a workspace's and an app's own win. No secrets."""
    registries: Annotated[
        dict[RegistryName, Registry],
        such_as({"ghcr.io/owner": {"username": "robot", "password": {"secret": "ghcr-pull"}}}),
    ] = {}
    """Image registries that ask who pulls. A workspace uses one that it names and whose secret it may read."""
    services: Services = Services()
    """Optional platform services; none exists yet."""
    openings: Openings = Openings()
    """Where workspaces may open their walls to and mount NFS from."""
    loadBalancers: Annotated[
        dict[str, LoadBalancer],
        such_as({"games/minecraft": {"ports": ["25565/TCP"], "loadBalancerSourceRanges": ["10.0.0.0/24"]}}),
    ] = {}
    """What apps may offer on the home network, `<workspace>/<app>: ...`; nothing when left out. The tunnel is the only
    way in then."""
    trust: Annotated[dict[str, Trust], such_as({"ops/dashboard": {"clusterRules": [READS_NODES]}})] = {}
    """What single apps may have that could harm others, `<workspace>/<app>`: what. Their files ask for it as well."""
    people: People | None = None
    """Who may use kubectl with a sign-in of their own; nobody when left out."""
    advancedCertificates: bool = False
    """The zone has paid certificates for hosts two levels deep (security rule 1)."""
    protectData: bool = True
    """Namespaces and volumes with data refuse to be deleted. In a sandbox only if its file says so."""
    secretReaders: dict[SecretName, Annotated[tuple[Name, ...], Field(min_length=1)]] = {}
    """Secrets that workspaces share: name -> who may read it, besides the workspace that its name starts with."""
    secrets: Annotated[frozenset[str], such_as(["web-db-password"])] = frozenset()
    """The names under warren:secrets. The values stay in Pulumi."""
