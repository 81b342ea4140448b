"""What an app says about its pod's own view of names, and about its end, in Kubernetes' words."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from config.containers import Word
from config.fields.addresses import Address, Domain, HostName
from config.fields.written import Written
from config.together import editor, has_any, such_as


class HostAlias(Written):
    """Names that the app's containers know without asking DNS: lines of /etc/hosts."""

    ip: Address
    """The address that the names stand for. Walls count all the same."""
    hostnames: Annotated[tuple[HostName, ...], Field(min_length=1)]
    """The names."""


class DnsOption(Written):
    """An option of the resolver, as in resolv.conf(5)."""

    name: Annotated[str, such_as("ndots")]
    """The option."""
    value: Annotated[str | None, such_as("1")] = None
    """Its value, for one that has one."""


class DnsConfig(Written):
    """What is added to the cluster's own settings of the resolver."""

    model_config = editor(
        has_any("nameservers", "searches", "options", says="dnsConfig has nameservers, searches or options"),
        example={"options": [{"name": "ndots", "value": "1"}]},
    )

    nameservers: Annotated[tuple[Address, ...], Field(max_length=2)] = ()
    """Servers that are asked when cluster DNS is silent; egress has to let the app reach them."""
    searches: Annotated[tuple[Domain, ...], Field(max_length=8)] = ()
    """Domains that short names are tried in."""
    options: tuple[DnsOption, ...] = ()
    """Options of the resolver, such as ndots: 1 for programs that ask for many public names."""

    @model_validator(mode="after")
    def _something(self) -> DnsConfig:
        if not (self.nameservers or self.searches or self.options):
            raise ValueError("says nothing; write nameservers, searches or options")
        return self


class PreStop(Written):
    """What runs before the pod is told to end."""

    exec: Annotated[tuple[Word, ...], Field(min_length=1), such_as(["redis-cli", "save"])]
    """A command in the app's container."""
