"""What other systems call things, as data: keys of Docker Compose, Kubernetes and common Helm charts, and ours.

A row is `theirs: (ours, what to do)`. `ours` is the key of a workspace file that does the same, or empty where there is
none; what to do says so then, and what solves the same need. Keys are compared without case, `_` and `-`.
"""

from __future__ import annotations

from collections.abc import Mapping

from config.containers import Container
from config.mistakes import KeyPath

Row = tuple[str, str]

_ENV = ("env", "write env: { NAME: value }")
_HEALTH = ("health", "write health: /healthz, or { tcp: true }, or { exec: [command] }")
_AMOUNTS = ("requests", "write requests: { cpu: 100m, memory: 128Mi } and limits: { memory: 512Mi }")
_VOLUMES = ("volumes", "write volumes: { data: { mount: /data, size: 5Gi } }")
_IMAGE = ("image", "write image: ghcr.io/owner/name:1.2.3")
_HOST = ("host", "write host: notes, one label under the stack's domain")
_ROUTES = ("routes", "write routes: [/]")
_PORT = ("port", "write port: 8000, which the app listens on")
_NAME = ("", "the key above it is the name; leave it out")
_TLS = ("", "Cloudflare's edge has the certificates; leave it out")
_WAIT = ("after", "write after: [db], which pulumi up waits for; a pod that starts later tries until the other answers")
_NETWORK = ("", "apps of a workspace reach each other by name, and others not at all; egress opens more")
_PLACED = ("nodeSelector", "write nodeSelector: { kubernetes.io/hostname: pi-1 }; replicas spread by themselves")
_RIGHTS = ("", "user, writableRoot, capabilities, sysctls and the workspace's podSecurity say what pods may")
_MARKS = ("", "labels and annotations are the platform's; leave it out")
_RESTART = ("", "what ends is started again, but for schedule and once; leave it out")
_MANIFEST = ("", "this is a Kubernetes object; a workspace says what runs, as Warren's docs/workspaces.md shows")
_SCRATCH = ("volumes", "write volumes: { tmp: { mount: /cache, size: 64Mi, scratch: true } }")
_AUTH = ("auth", "write auth: { providers: [...], allow: { emailDomains: [...] } }, as Warren's docs/sign-in.md shows")
_QUOTA = ("quota", "write quota: { cpu: 500m, memory: 512Mi }")
_STRIP = ("", "nothing is stripped or rewritten; tell the app its base path, or give it a host of its own")
_TIMES = ("", "the times are the platform's, but for start: 3m, how long the first answer may take")
_SOURCE = ("hostPath", "size makes a volume, nfs mounts a NAS, and hostPath a directory of the node")
_CHART = ("apps", "write what runs here under apps: { web: { image: ..., port: 8000, routes: [/] } }")


_REGISTRIES = ("", "write registries: [ghcr.io] beside apps; how to sign in there is the stack's to say")


def _below_route(key: str, example: str) -> Row:
    return "", f"it belongs to a route: routes: [{{ path: /, {key}: {example} }}]"


TABLE: Mapping[str, Mapping[str, Row]] = {
    "workspace": {
        **dict.fromkeys(("services", "containers", "deployments", "workloads"), _CHART),
        **dict.fromkeys(("image", "port", "ports", "routes", "volumes", "replicas"), _CHART),
        **dict.fromkeys(("environment", "envVars", "variables", "vars"), _ENV),
        **dict.fromkeys(("command", "health", "static", "schedule", "ingress"), _CHART),
        **dict.fromkeys(("apiVersion", "kind", "metadata", "spec"), _MANIFEST),
        **dict.fromkeys(("domain", "domains", "hostname", "url", "subdomain", "fqdn"), _HOST),
        **dict.fromkeys(("resources", "limits", "requests", "resourceQuota", "cpu", "memory", "storage"), _QUOTA),
        **dict.fromkeys(("providers", "oidc", "sso", "login", "signIn", "authentication", "allow"), _AUTH),
        **dict.fromkeys(("networks", "network", "networkPolicy", "networkPolicies"), _NETWORK),
        **dict.fromkeys(("labels", "annotations"), _MARKS),
        **dict.fromkeys(("tls", "ssl", "certificates"), _TLS),
        **dict.fromkeys(("users", "people", "rbac", "members"), ("access", "write access: { edit: [group] }")),
        "namespace": ("name", "write name, which is the namespace too"),
        "secrets": ("", "secrets are the stack's; an app names one: env: { NAME: { secret: NAME } }"),
        "configs": ("", "config files are an app's: files: { /etc/app.conf: text }"),
        **dict.fromkeys(("imagePullSecrets", "registry"), ("registries", "write registries: [ghcr.io]")),
        "version": ("", "leave it out"),
    },
    "app": {
        **dict.fromkeys(("environment", "envVars", "variables", "vars"), _ENV),
        **dict.fromkeys(
            ("env_file", "envFrom"), ("env", "files of variables are not read; write env: { NAME: value }")
        ),
        **dict.fromkeys(("livenessProbe", "readinessProbe", "startupProbe", "probes"), _HEALTH),
        **dict.fromkeys(("healthcheck", "probe", "liveness", "readiness"), _HEALTH),
        **dict.fromkeys(("resources", "deploy", "memory", "cpu", "cpus", "mem", "ram"), _AMOUNTS),
        **dict.fromkeys(("mem_limit", "mem_reservation", "memory_limit", "cpu_limit", "cpu_shares"), _AMOUNTS),
        **dict.fromkeys(("entrypoint", "cmd", "run"), ("command", "write command: [program, argument]")),
        "initContainers": ("init", "write init: { migrate: { image: ..., command: [...] } }"),
        **dict.fromkeys(
            ("containers", "extraContainers", "sidecarContainers"),
            ("sidecars", "write sidecars: { name: { image: ... } }"),
        ),
        **dict.fromkeys(("storage", "persistence", "volumeMounts", "volumeClaimTemplates", "mounts"), _VOLUMES),
        **dict.fromkeys(("pvc", "persistentVolumeClaim", "disk", "data", "extraVolumes"), _VOLUMES),
        **dict.fromkeys(("tmpfs", "emptyDir"), _SCRATCH),
        "shm_size": (
            "volumes",
            "write volumes: { shm: { mount: /dev/shm, size: 64Mi, scratch: true, medium: Memory } }",
        ),
        **dict.fromkeys(("job", "migrations", "oneshot", "runOnce"), ("once", "write once: 10m, how long it may take")),
        **dict.fromkeys(("cron", "cronjob", "crontab"), ("schedule", 'write schedule: "0 3 * * *"')),
        **dict.fromkeys(("replicaCount", "scale", "instances", "count"), ("replicas", "write replicas: 2")),
        **dict.fromkeys(
            ("hpa", "autoscaling", "horizontalPodAutoscaler"), ("autoscale", "write autoscale: { max: 4 }")
        ),
        **dict.fromkeys(("container_name", "name", "fullnameOverride", "nameOverride"), _NAME),
        **dict.fromkeys(("depends_on", "links", "waitFor", "external_links"), _WAIT),
        **dict.fromkeys(("restart", "restartPolicy"), _RESTART),
        **dict.fromkeys(("annotations", "labels", "podAnnotations", "podLabels", "metadata"), _MARKS),
        **dict.fromkeys(("affinity", "nodeName", "node", "nodes", "topologySpreadConstraints"), _PLACED),
        "platform": ("nodeSelector", "write nodeSelector: { kubernetes.io/arch: arm64 }"),
        **dict.fromkeys(("networks", "network"), _NETWORK),
        "network_mode": ("hostNetwork", "write hostNetwork: true for host; others do not exist here"),
        "extra_hosts": ("hostAliases", "write hostAliases: [{ ip: 10.0.0.7, hostnames: [nas] }]"),
        **dict.fromkeys(
            ("dns", "dns_search", "dns_opt"), ("dnsConfig", "write dnsConfig: { searches: [lan.example.com] }")
        ),
        **dict.fromkeys(("networkPolicy", "mac_address"), _NETWORK),
        "egress": ("", "walls are the workspace's; write egress beside apps"),
        "cap_add": ("capabilities", "write capabilities: [NET_ADMIN], without CAP_"),
        **dict.fromkeys(("cap_drop", "security_opt", "ipc", "pid", "ulimits"), _RIGHTS),
        **dict.fromkeys(("securityContext", "podSecurityContext"), _RIGHTS),
        "gpus": (
            "extendedResources",
            "write extendedResources: { gpu.intel.com/i915: 1 }, which a device plugin brings",
        ),
        "podSecurity": ("", "it is the workspace's; write podSecurity beside apps"),
        "secrets": ("env", "write env: { NAME: { secret: NAME } }; the value is set in the stack's config"),
        **dict.fromkeys(
            ("configs", "configMap", "configMaps", "config"), ("files", "write files: { /etc/app.conf: text }")
        ),
        **dict.fromkeys(("hostname", "domain", "domains", "domainname", "url", "subdomain", "fqdn"), _HOST),
        **dict.fromkeys(("ingress", "path", "paths", "route", "prefix", "basePath", "location"), _ROUTES),
        **dict.fromkeys(("expose", "containerPort", "targetPort", "service", "servicePort", "listen"), _PORT),
        **dict.fromkeys(("build", "dockerfile"), ("image", "images are built elsewhere; push one, and " + _IMAGE[1])),
        **dict.fromkeys(("tag", "repository", "imageTag", "version", "registry"), _IMAGE),
        **dict.fromkeys(
            ("pull_policy", "imagePullPolicy"), ("", "images are pinned, so it changes nothing; leave it out")
        ),
        **dict.fromkeys(
            ("stop_grace_period", "terminationGracePeriodSeconds", "terminationGracePeriod", "stop_timeout"),
            ("gracePeriod", "write gracePeriod: 60s"),
        ),
        "lifecycle": (
            "preStop",
            "write preStop: { exec: [redis-cli, save] }, where a program does not end well by itself",
        ),
        **dict.fromkeys(("priorityClassName", "priorityClass"), ("priority", "write priority: low")),
        **dict.fromkeys(
            ("stop_signal", "postStart"),
            ("gracePeriod", "pods that serve go on for ten seconds by themselves; for more write gracePeriod: 60s"),
        ),
        **dict.fromkeys(("imagePullSecrets", "registries"), _REGISTRIES),
        **dict.fromkeys(
            ("working_dir", "workingDir", "workdir"), ("command", "write command: [sh, -c, 'cd /srv && exec program']")
        ),
        **dict.fromkeys(("stdin_open", "tty", "stdin"), ("", "nobody sits at a terminal; leave it out")),
        **dict.fromkeys(
            ("uid", "runAsUser", "gid", "fsGroup", "runAsGroup", "puid"),
            ("user", "write user: 1000, which is the group too"),
        ),
        "group_add": ("supplementalGroups", "write supplementalGroups: [44]"),
        **dict.fromkeys(
            ("read_only", "readOnlyRootFilesystem"), ("writableRoot", "root is read-only unless writableRoot: true")
        ),
        **dict.fromkeys(("logging", "logs", "log_driver"), ("", "what an app prints is its log; leave it out")),
        **dict.fromkeys(
            ("serviceAccountName", "rbac", "role", "clusterRole"),
            (
                "serviceAccount",
                "write serviceAccount: { rules: [{ apiGroups: [...], resources: [...], verbs: [...] }] }",
            ),
        ),
        **dict.fromkeys(("tls", "ssl", "https", "certificate", "certResolver"), _TLS),
        **dict.fromkeys(
            ("sso", "oidc", "authentication", "middlewares", "middleware"), ("", "sign-in is the workspace's auth")
        ),
        "auth": ("", "sign-in is the workspace's; a route of it says auth: api, or public: true"),
        "public": _below_route("public", "true"),
        "rateLimit": _below_route("rateLimit", "20/s"),
        "bodySize": _below_route("bodySize", "50Mi"),
        "timeout": _below_route("timeout", "5m"),
        "allowFrom": _below_route("allowFrom", "[203.0.113.0/24]"),
        "deny": _below_route("deny", "[/metrics]"),
        "basicAuth": _below_route("basicAuth", "{ secret: NAME }"),
        "crossOrigin": _below_route("crossOrigin", "true"),
        "protocol": _below_route("protocol", "grpc"),
        "claim": ("volumes", "write volumes: { data: { mount: /data, claim: NAME } }"),
        "nfs": ("volumes", "write volumes: { share: { mount: /share, size: 1Gi, nfs: { server: ..., path: ... } } }"),
        **dict.fromkeys(("profiles", "extends", "x-common"), ("", "write it out; YAML anchors work")),
    },
    "route": {
        **dict.fromkeys(("rewrite", "rewriteTarget", "stripPrefix", "strip", "stripPath"), _STRIP),
        **dict.fromkeys(("middleware", "middlewares", "annotations", "plugins"), _STRIP),
        **dict.fromkeys(("headers", "cors", "customHeaders"), ("", "headers are the app's to set")),
        "redirects": ("redirect", "write redirect: /elsewhere"),
        "pathType": ("", "a path and everything below it; leave it out"),
        **dict.fromkeys(("hostname", "domain"), ("host", "write host: one of the app's hosts")),
        **dict.fromkeys(("websocket", "websockets"), ("", "WebSockets need nothing; leave it out")),
        **dict.fromkeys(
            ("whitelist", "ipWhitelist", "allowlist", "ipAllowList"), _below_route("allowFrom", "[network]")
        ),
        **dict.fromkeys(("maxBodySize", "clientMaxBodySize"), ("bodySize", "write bodySize: 50Mi")),
        **dict.fromkeys(
            ("service", "backend", "target", "upstream"), ("", "a route leads to its own app; leave it out")
        ),
        **dict.fromkeys(
            ("protected", "private", "secure"), ("public", "routes are behind sign-in unless public: true")
        ),
        **dict.fromkeys(("tls", "ssl"), _TLS),
    },
    "volume": {
        **dict.fromkeys(
            ("path", "mountPath", "mountPoint", "target", "container", "dir"), ("mount", "write mount: /data")
        ),
        **dict.fromkeys(("source", "host", "bind", "device", "local"), _SOURCE),
        **dict.fromkeys(("storage", "capacity", "quota"), ("size", "write size: 5Gi")),
        **dict.fromkeys(("storageClassName", "class"), ("storageClass", "write storageClass: local-path")),
        **dict.fromkeys(("accessModes", "mode"), ("accessMode", "write accessMode: ReadWriteMany")),
        **dict.fromkeys(("existingClaim", "claimName", "pvc", "external"), ("claim", "write claim: NAME")),
        **dict.fromkeys(("emptyDir", "tmpfs", "memory"), ("scratch", "write scratch: true")),
        **dict.fromkeys(("read_only", "ro"), ("readOnly", "write readOnly: true")),
        **dict.fromkeys(("configMap", "config"), ("", "write files: { /etc/app.conf: text } beside volumes")),
        **dict.fromkeys(("subPath", "driver", "type", "backup", "labels"), ("", "not supported; leave it out")),
        "name": _NAME,
    },
    "health": {
        **dict.fromkeys(("path", "httpGet", "url", "endpoint"), ("http", "write http: /healthz")),
        **dict.fromkeys(("tcpSocket", "socket"), ("tcp", "write tcp: true")),
        **dict.fromkeys(("command", "test", "cmd"), ("exec", "write exec: [program, argument]")),
        **dict.fromkeys(("initialDelaySeconds", "start_period", "startPeriod", "delay"), ("start", "write start: 3m")),
        **dict.fromkeys(("interval", "periodSeconds", "timeout", "timeoutSeconds", "retries"), _TIMES),
        **dict.fromkeys(("failureThreshold", "successThreshold"), _TIMES),
    },
    "quota": {
        **dict.fromkeys(("cpus", "cores"), ("cpu", "write cpu: 500m")),
        **dict.fromkeys(("ram", "mem"), ("memory", "write memory: 512Mi")),
        **dict.fromkeys(("disk", "volumes"), ("storage", "write storage: 10Gi")),
        **dict.fromkeys(("limits", "requests"), ("cpu", "write cpu and memory: the sum of requests; limits follow")),
    },
}
"""Where a key was written -> their key -> the row."""

VARIABLE: Mapping[str, Row] = {
    **dict.fromkeys(("valueFrom", "secretKeyRef", "fromSecret"), ("secret", "write { secret: NAME }")),
    **dict.fromkeys(("configMapKeyRef", "fieldRef", "resourceFieldRef"), ("", "write the value as text")),
}
"""Keys below a variable of `env`."""

STACK: Mapping[KeyPath, str] = {
    **dict.fromkeys(
        (("cloudflare", "apiToken"), ("cloudflare", "token"), ("cloudflare", "apiKey"), ("cloudflare", "email")),
        "it is a secret; revoke it if it is real, and set cloudflare:apiToken as Warren's docs/getting-started.md "
        "shows",
    ),
    ("version",): "Pulumi.yaml says it once for all stacks; take this line out",
}
"""Keys of a stack."""

WHOLE: Mapping[tuple[str, ...], str] = {
    ("apiVersion", "kind"): "is a Kubernetes object; a workspace says what runs, as Warren's docs/workspaces.md shows",
    (
        "services",
    ): "is a Docker Compose file; a workspace has its services as apps, as Warren's docs/workspaces.md shows",
}
"""Keys that a file has which is of another system as a whole, where it has no `name`."""

SHAPES: Mapping[tuple[str, str], str] = {
    ("env", "a list"): "write env: { NAME: value }",
    ("ports", "a number"): "write port: 8000, which the app listens on",
    ("port", "a number"): "write the port's name, or nothing where the app has only one",
    ("workspaces", "text"): "write [one, another]",
    ("volumes.*", "text"): "write { mount: /data, size: 5Gi }",
    ("apps.*", "text"): "each app has a name above it: apps: { web: { image: ..., port: 8000 } }",
    ("apps.*", "a number"): "each app has a name above it: apps: { web: { image: ..., port: 8000 } }",
    ("egress", "a list"): "write egress: { allow: [{ cidr: 10.0.0.7/32 }] }",
    ("egress", "text"): "write egress: { internet: true, allow: [{ cidr: 10.0.0.7/32 }] }",
    ("allow.*", "text"): "write { cidr: 10.0.0.7/32 }",
    ("ports", "a list"): "write port: 8000, which the app listens on; the outside has routes instead",
    ("volumes", "a list"): "write volumes: { data: { mount: /data, size: 5Gi } }",
    ("volumes", "text"): "write volumes: { data: { mount: /data, size: 5Gi } }",
    ("init", "a list"): "write init: { name: { image: ... } }",
    ("sidecars", "a list"): "write sidecars: { name: { image: ... } }",
    ("apps", "a list"): "write apps: { name: { image: ... } }",
    ("files", "a list"): "write files: { /etc/app.conf: text }",
    ("command", "text"): "write command: [program, argument], or [sh, -c, '...'] where a shell is meant",
    ("args", "text"): "write args: [--one, --two]",
    ("routes", "text"): "write routes: [/path]",
    ("routes", "a mapping"): "write routes: [{ path: /path }]",
    ("image", "a mapping"): "write image: ghcr.io/owner/name:1.2.3",
    ("user", "text"): "write user: 1000, which is the group too",
    ("nodeSelector", "text"): "write nodeSelector: { kubernetes.io/hostname: pi-1 }",
    ("replicas", "text"): "write replicas: 2",
    ("size", "a number"): "write size: 5Gi",
}
"""Key (or the key above it and `.*`) and what was written there -> the form that is meant."""


def shape_of(path: KeyPath, got: str) -> str | None:
    """The form that is meant by something of the wrong kind at `path`."""
    above = f"{path[-2]}.*" if len(path) > 1 else ""
    return SHAPES.get((str(path[-1]) if path else "", got)) or SHAPES.get((above, got))


def whole(data: object) -> str | None:
    """What a file is that is none of ours; None for one that may be."""
    if not isinstance(data, dict) or "name" in data:
        return None
    return next((words for keys, words in WHOLE.items() if all(key in data for key in keys)), None)


def place_of(path: KeyPath) -> str:
    """Which table of a workspace file is for the keys below `path`; empty for none."""
    match path:
        case ():
            return "workspace"
        case ("apps", _) | ("apps", _, "init" | "sidecars", _):
            return "app"
        case ("apps", _, "routes", int()):
            return "route"
        case ("apps", _, "volumes", _):
            return "volume"
        case ("apps", _, "health"):
            return "health"
        case ("quota",):
            return "quota"
    return ""


def row_of(path: KeyPath, key: str) -> Row | None:
    """What somebody means who writes `key` below `path`; None when nobody else has such a key."""
    if len(path) > 1 and path[-2] == "env":
        return VARIABLE.get(key)
    row = _FOLDED.get(place_of(path), {}).get(_fold(key))
    inside = len(path) == 4 and path[2] in ("init", "sidecars")
    if row is not None and inside and row[0] not in ("", *Container.model_fields):
        return "", f"it is the whole app's; there, {row[1]}"  # init containers and sidecars share the app's
    return row


def _fold(key: str) -> str:
    return key.replace("_", "").replace("-", "").lower()


_FOLDED = {place: {_fold(key): row for key, row in rows.items()} for place, rows in TABLE.items()}
