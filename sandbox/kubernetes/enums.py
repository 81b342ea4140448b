"""The closed sets of values that the API server enforces and the schemas do not say.

Owns: a table of definition, field and values.  Source: the types in ``k8s.io/api`` and the validation beside them.
"""

from __future__ import annotations

from typing import Final

_ENUMS: Final = """
admissionregistration.v1.ValidatingAdmissionPolicySpec.failurePolicy: Fail Ignore
admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec.validationActions: Deny Warn Audit
admissionregistration.v1.MatchResources.matchPolicy: Exact Equivalent
apps.v1.DeploymentStrategy.type: Recreate RollingUpdate
apps.v1.StatefulSetUpdateStrategy.type: OnDelete RollingUpdate
apps.v1.DaemonSetUpdateStrategy.type: OnDelete RollingUpdate
apps.v1.StatefulSetSpec.podManagementPolicy: OrderedReady Parallel
autoscaling.v2.MetricSpec.type: ContainerResource External Object Pods Resource
autoscaling.v2.MetricTarget.type: Utilization Value AverageValue
batch.v1.CronJobSpec.concurrencyPolicy: Allow Forbid Replace
batch.v1.JobSpec.completionMode: NonIndexed Indexed
core.v1.Container.imagePullPolicy: Always Never IfNotPresent
core.v1.Container.terminationMessagePolicy: File FallbackToLogsOnError
core.v1.ContainerPort.protocol: TCP UDP SCTP
core.v1.HTTPGetAction.scheme: HTTP HTTPS
core.v1.HostPathVolumeSource.type: DirectoryOrCreate Directory FileOrCreate File Socket CharDevice BlockDevice
core.v1.LimitRangeItem.type: Container Pod PersistentVolumeClaim
core.v1.NodeSelectorRequirement.operator: In NotIn Exists DoesNotExist Gt Lt
core.v1.PersistentVolumeClaimSpec.accessModes: ReadWriteOnce ReadOnlyMany ReadWriteMany ReadWriteOncePod
core.v1.PersistentVolumeClaimSpec.volumeMode: Filesystem Block
core.v1.PersistentVolumeSpec.accessModes: ReadWriteOnce ReadOnlyMany ReadWriteMany ReadWriteOncePod
core.v1.PersistentVolumeSpec.persistentVolumeReclaimPolicy: Retain Delete Recycle
core.v1.PersistentVolumeSpec.volumeMode: Filesystem Block
core.v1.PodSecurityContext.fsGroupChangePolicy: OnRootMismatch Always
core.v1.PodSpec.dnsPolicy: ClusterFirst ClusterFirstWithHostNet Default None
core.v1.PodSpec.preemptionPolicy: Never PreemptLowerPriority
core.v1.PodSpec.restartPolicy: Always OnFailure Never
core.v1.ResourceQuotaSpec.scopes: Terminating NotTerminating BestEffort NotBestEffort PriorityClass
core.v1.ResourceQuotaSpec.scopes: CrossNamespacePodAffinity
core.v1.SeccompProfile.type: RuntimeDefault Unconfined Localhost
core.v1.ServicePort.protocol: TCP UDP SCTP
core.v1.ServiceSpec.externalTrafficPolicy: Cluster Local
core.v1.ServiceSpec.internalTrafficPolicy: Cluster Local
core.v1.ServiceSpec.ipFamilyPolicy: SingleStack PreferDualStack RequireDualStack
core.v1.ServiceSpec.ipFamilies: IPv4 IPv6
core.v1.ServiceSpec.sessionAffinity: ClientIP None
core.v1.ServiceSpec.type: ClusterIP NodePort LoadBalancer ExternalName
core.v1.Taint.effect: NoSchedule PreferNoSchedule NoExecute
core.v1.Toleration.effect: NoSchedule PreferNoSchedule NoExecute
core.v1.Toleration.operator: Exists Equal Lt Gt
core.v1.TopologySpreadConstraint.whenUnsatisfiable: DoNotSchedule ScheduleAnyway
core.v1.TopologySpreadConstraint.nodeAffinityPolicy: Honor Ignore
core.v1.TopologySpreadConstraint.nodeTaintsPolicy: Honor Ignore
discovery.v1.EndpointSlice.addressType: IPv4 IPv6 FQDN
networking.v1.HTTPIngressPath.pathType: Exact Prefix ImplementationSpecific
networking.v1.NetworkPolicyPort.protocol: TCP UDP SCTP
networking.v1.NetworkPolicySpec.policyTypes: Ingress Egress
policy.v1.PodDisruptionBudgetSpec.unhealthyPodEvictionPolicy: IfHealthyBudget AlwaysAllow
rbac.v1.Subject.kind: User Group ServiceAccount
scheduling.v1.PriorityClass.preemptionPolicy: Never PreemptLowerPriority
storage.v1.StorageClass.reclaimPolicy: Delete Retain
storage.v1.StorageClass.volumeBindingMode: Immediate WaitForFirstConsumer
"""


def _table() -> dict[str, dict[str, frozenset[str]]]:
    found: dict[str, dict[str, frozenset[str]]] = {}
    for line in _ENUMS.strip().splitlines():
        path, _, values = line.partition(": ")
        definition, _, name = path.rpartition(".")
        fields = found.setdefault(f"io.k8s.api.{definition}", {})
        fields[name] = fields.get(name, frozenset()) | frozenset(values.split())
    # A selector's operator is in the shared meta types, not in an API group.
    selector = "io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelectorRequirement"
    found[selector] = {"operator": frozenset({"In", "NotIn", "Exists", "DoesNotExist"})}
    return found


ENUMS: Final = _table()
"""Definition to field to its values; for a list field the values of its items."""
