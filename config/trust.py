"""What a stack lets single apps have that could harm others: its owner's half of what workspace files ask for."""

from __future__ import annotations

from config.fields.written import Written
from config.rights import ApiRule


class Trust(Written):
    """What one app may have beyond what its workspace can give. The workspace file has to ask for it as well."""

    rules: tuple[ApiRule, ...] = ()
    """Rights in its own namespace that start pods, read Secrets or change other apps."""
    clusterRules: tuple[ApiRule, ...] = ()
    """What it may read in all namespaces, or of the cluster itself. Secrets never."""
