# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

"""The values that planning works on, and the plan that comes out.

All of them are frozen: a planner that tries something out makes a new value.
In the core a host is a root provider with its servers.  Elsewhere in opie a
host is a compute service, by its name.
Amounts are whole numbers in placement's units (``VCPU``, ``MEMORY_MB``,
``DISK_GB``, ``CUSTOM_...``); see amounts.py.  Where a request is spread over
the tree of a host, their names are rows of the whole tree; see rows.py.
"""

from collections.abc import Iterable
from collections.abc import Mapping
import dataclasses
import functools

from opie.preemption import amounts
from opie.preemption import errors
from opie.preemption import figures

Amounts = amounts.Amounts

# Source: placement.db.constants.MAX_INT, placement's default for max_unit.
MAX_UNIT = 0x7FFFFFFF
# What most servers have, kept once.
_NONE: Mapping[str, Amounts] = {}


@dataclasses.dataclass(frozen=True)
class Inventory:
    """What a provider of a host has of one resource class.

    Fields are placement's own, but for these:

    :ivar used: the sum of all allocations.
    :ivar is_closed: whether placement refuses any allocation, because the
        provider is over its capacity.
    """

    total: int
    reserved: int = 0
    allocation_ratio: float = 1.0
    min_unit: int = 1
    max_unit: int = MAX_UNIT
    step_size: int = 1
    used: int = 0
    is_closed: bool = False

    @property
    def capacity(self) -> float:
        """The most that may be allocated.

        Source: placement's capacity check, (total - reserved) * ratio.
        """
        return (self.total - self.reserved) * self.allocation_ratio

    @property
    def free(self) -> float:
        """What is not allocated; below zero for one over its capacity."""
        return self.capacity - self.used

    def is_unit(self, amount: int) -> bool:
        """Tell whether one allocation may hold this amount."""
        return (
            self.min_unit <= amount <= self.max_unit
            and amount % self.step_size == 0
            and not self.is_closed
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Server:
    """A potential victim, or a leaving server.

    :ivar uuid: the server's uuid; the last tie-break.
    :ivar held: what it holds on the root provider of its host; not empty but
        for a leaving server.
    :ivar launched_at: when it was launched, in seconds since the epoch; None
        for one that never was.
    :ivar by_migration: what of that its migrations hold for it, each by its
        uuid.
    :ivar is_leaving: whether it goes in any case, so that it costs nothing
        and no deletion has to be asked for.
    :ivar is_soft_deleted: whether its user has deleted it and may restore it,
        so that it costs nothing, and its deletion has to be asked for.
    :ivar protected_since: from when on the time of its protection counts,
        which no later launch renews; None for the time of its launch.
    """

    uuid: str
    held: Amounts
    launched_at: float | None = None
    is_leaving: bool = False
    protected_since: float | None = None
    is_soft_deleted: bool = False
    by_migration: Mapping[str, Amounts] = dataclasses.field(
        default_factory=lambda: _NONE
    )

    @property
    def held_itself(self) -> Amounts:
        """What its migrations do not hold for it."""
        if not self.by_migration:
            return self.held
        held = dict(self.held)
        for name, amount in amounts.total(self.by_migration.values()).items():
            held[name] -= amount
        return {name: amount for name, amount in held.items() if amount}

    @property
    def costs_nothing(self) -> bool:
        """Whether nothing is lost when it goes."""
        return self.is_leaving or self.is_soft_deleted


@dataclasses.dataclass(frozen=True, eq=False)
class Taking:
    """What one preemptor could take of a host.

    :ivar amounts: row to amount.
    :ivar mappings: (suffix of a group of the request, uuids of the providers
        that serve it), of all groups.
    """

    amounts: Amounts
    mappings: tuple[tuple[str, tuple[str, ...]], ...]


@dataclasses.dataclass(frozen=True)
class Host:
    """A root provider with its servers, which could serve the request.

    :ivar provider: the uuid of its root provider.
    :ivar inventories: resource class to :class:`Inventory`.
    :ivar potential_victims: the servers on it that may be evicted.
    :ivar leaving: the servers on it that cost nothing, because they go in any
        case or are soft-deleted; none of them is among the potential victims.
    :ivar is_worth_reading: whether the host, where it seems too small, is read
        before it is refused.
    :ivar uncertain: resource classes of which potential victims may hold more
        than is known.
    :ivar is_capacity_known: whether the inventories, but for what is in use,
        are as the host has them now.
    :ivar is_unknown: whether the host may have resource classes that are not
        among the inventories, because it was never read.
    :ivar read_at: when the host was read last, in seconds of any clock; of
        the hosts that seem too small those read longest ago come first.
    :ivar why_protected: why no server on it may be evicted, so that it has no
        potential victims; None where servers may be.
    :ivar failed_builds: how many builds have failed there lately.
    :ivar has_excluded: whether there are preemptible servers on it that are no
        potential victims.
    :ivar least_victims: before the tree of the host is read, how many servers
        have to go at the least, where there is no room and no server leaves.
    :ivar takings: for a request that is spread over trees, all that a
        preemptor could take of the host if its servers were gone; None before
        the host is read.
    :ivar has_more_takings: whether there are more of them, too many to try.
    """

    provider: str
    inventories: Mapping[str, Inventory]
    potential_victims: tuple[Server, ...] = ()
    leaving: tuple[Server, ...] = ()
    is_worth_reading: bool = False
    uncertain: frozenset[str] = frozenset()
    is_capacity_known: bool = False
    is_unknown: bool = False
    read_at: float = 0.0
    why_protected: str | None = None
    failed_builds: int = 0
    has_excluded: bool = False
    least_victims: int = 1
    takings: tuple[Taking, ...] | None = None
    has_more_takings: bool = False

    def __post_init__(self) -> None:
        servers = self.potential_victims + self.leaving
        if len({server.uuid for server in servers}) != len(servers):
            raise errors.InvalidHost(
                provider=self.provider,
                problem='a server is listed twice',
            )
        for server in servers:
            unknown = set(server.held) - set(self.inventories)
            if unknown:
                raise errors.InvalidHost(
                    provider=self.provider,
                    problem='server %s holds %s, of which the host has no '
                    'inventory' % (server.uuid, ', '.join(sorted(unknown))),
                )

    @functools.cached_property
    def figures(self) -> figures.Figures:
        """What the bound of the host needs; see figures.py."""
        return figures.Figures.from_host(self)

    def after(self, victims: Iterable[Server], taken: Amounts) -> 'Host':
        """Return this host with the victims gone and the resources taken."""
        victims = tuple(victims)
        freed = amounts.total(server.held for server in victims)
        gone = {server.uuid for server in victims}
        return dataclasses.replace(
            self,
            inventories={
                name: dataclasses.replace(
                    inventory,
                    used=inventory.used
                    + taken.get(name, 0)
                    - freed.get(name, 0),
                )
                for name, inventory in self.inventories.items()
            },
            potential_victims=_without(self.potential_victims, gone),
            leaving=_without(self.leaving, gone),
        )


def _without(
    servers: tuple[Server, ...], gone: set[str]
) -> tuple[Server, ...]:
    return tuple(server for server in servers if server.uuid not in gone)


@dataclasses.dataclass(frozen=True)
class Unfit:
    """Why a host cannot serve a request, with or without victims."""

    reason: str

    @classmethod
    def by_limit(cls, most_victims: int) -> 'Unfit':
        """Return why a host is unfit that needs more victims than may go."""
        return cls('more than %d victims would have to go' % most_victims)


CUT_SHORT = Unfit('not examined, because the search was cut short')


@dataclasses.dataclass(frozen=True)
class Request:
    """What the preemptors ask for.

    What the rules of ``most_per_host`` and ``is_together`` say the filters
    would say as well, host by host.

    :ivar preemptors: the uuids of the servers to place, at least one.
    :ivar resources: what each of them takes on its host's root provider, or,
        if it is spread, of all providers together.
    :ivar most_per_host: how many of them may share a host, None for any
        number.
    :ivar is_together: whether all of them must share one.
    :ivar most_victims: how many servers may go for all of them, None for any
        number.
    :ivar tolerance: which part more than the least a host may cost, for the
        cloud's preference to decide; for a single preemptor only.
    :ivar is_spread: whether the tree of a host tells what is taken of which
        provider; see :attr:`Host.takings`.
    """

    preemptors: tuple[str, ...]
    resources: Amounts
    most_per_host: int | None = None
    is_together: bool = False
    most_victims: int | None = None
    tolerance: float = 0.0
    is_spread: bool = False

    def __post_init__(self) -> None:
        if not self.preemptors:
            raise errors.InvalidRequest(problem='it names no preemptor')
        if len(set(self.preemptors)) != len(self.preemptors):
            raise errors.InvalidRequest(problem='a preemptor is named twice')
        if not self.resources:
            raise errors.InvalidRequest(problem='it asks for no resources')
        for name, amount in self.resources.items():
            if amount <= 0:
                raise errors.InvalidRequest(
                    problem='it asks for %s of %s' % (amount, name)
                )


@dataclasses.dataclass(frozen=True)
class Nomination:
    """A preemptor on its nominated host, with the victims that it adds.

    Leaving servers that it waits for are among the victims.

    :ivar taking: what a preemptor takes whose request is spread, None for any
        other.
    """

    preemptor: str
    provider: str
    victims: tuple[Server, ...] = ()
    taking: Taking | None = None

    def takes(self, request: Request) -> Amounts:
        """Return what the preemptor takes of its host, row by row."""
        return self.taking.amounts if self.taking else request.resources


def nominate(
    preemptors: Iterable[str],
    provider: str,
    victims: tuple[Server, ...],
    taking: Taking | None = None,
) -> tuple[Nomination, ...]:
    """Nominate preemptors to one host; the first one adds the victims."""
    return tuple(
        Nomination(preemptor, provider, () if index else victims, taking)
        for index, preemptor in enumerate(preemptors)
    )


@dataclasses.dataclass(frozen=True)
class Plan:
    """The nominations, the victims, and why other hosts cannot serve.

    :ivar nominations: one for each preemptor, in the order of the request;
        empty when the request cannot be served.
    :ivar cost: what evicting all victims loses.
    :ivar reasons: provider to the reason why its host cannot serve.
    :ivar is_least: whether no search had to be given up, so that no other
        plan costs less by what was known.
    :ivar is_cut_short: whether the time was over before all hosts that could
        win were examined.  Other hosts may serve as well, or at less cost.
    :ivar shares: victim uuid to preemptor uuid to what that preemptor takes
        of the victim's resources.  Every victim has at least one preemptor.
    """

    nominations: tuple[Nomination, ...] = ()
    cost: float = 0.0
    reasons: Mapping[str, str] = dataclasses.field(default_factory=dict)
    shares: Mapping[str, Mapping[str, Amounts]] = dataclasses.field(
        default_factory=dict
    )
    is_least: bool = True
    is_cut_short: bool = False

    @property
    def is_feasible(self) -> bool:
        """Whether every preemptor has a nominated host."""
        return bool(self.nominations)

    @property
    def victims(self) -> tuple[tuple[str, Server], ...]:
        """Return (provider, server) for each victim, in this order."""
        return tuple(
            sorted(
                (
                    (nomination.provider, server)
                    for nomination in self.nominations
                    for server in nomination.victims
                ),
                key=lambda pair: (pair[0], pair[1].uuid),
            )
        )

    @property
    def evicted(self) -> list[Server]:
        """Return the victims whose loss costs something, in the same order."""
        return [
            server for _, server in self.victims if not server.costs_nothing
        ]
