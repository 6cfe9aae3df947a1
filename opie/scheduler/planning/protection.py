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

"""Which preemptible servers are no potential victims.

The state of a server may keep it from being one.  Of the others the operator
protects those of some projects, or on some hosts.  Options name the projects;
the metadata of aggregates, or an option where no aggregate has any, names the
hosts.
"""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Iterable
import typing

from nova import context as nova_context
from nova.compute import task_states
from nova.compute import vm_states
import nova.conf
from oslo_log import log as logging
from oslo_utils import strutils

from opie.scheduler import host_manager as host_managers
from opie.scheduler.nova_db import aggregates
from opie.scheduler.nova_db import flavors
from opie.scheduler.nova_db import preemptibles
from opie.scheduler.planning import stuck_deletions

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)

AGGREGATE_KEY = 'opie:evict'

UNMARKED = 'is of a flavor that makes it preemptible no more'
NEVER_EVICTED = 'is of a project in [opie] never_evicted_projects'
_BY_AGGREGATE = (
    'no server may be evicted there: an aggregate says %s=false'
    % AGGREGATE_KEY
)
_BY_DEFAULT = (
    'no server may be evicted there: [opie] evict_by_default is off, and no '
    'aggregate says %s=true' % AGGREGATE_KEY
)
_BY_STUCK_DELETION = (
    'no server is evicted there: a deletion takes longer than [opie] '
    'stuck_deletion_seconds'
)


_DELETING = (task_states.DELETING, task_states.SOFT_DELETING)
# States in which a server holds nothing on its host, or is on its way out.
_WITHOUT_RESOURCES = (vm_states.SHELVED_OFFLOADED, vm_states.DELETED)


class Server(typing.Protocol):
    """A :class:`preemptibles.PreemptibleServer`, or nova's Instance."""

    @property
    def vm_state(self) -> str: ...

    @property
    def task_state(self) -> str | None: ...

    @property
    def locked_by(self) -> str | None: ...

    @property
    def disable_terminate(self) -> bool: ...


class HasProject(typing.Protocol):
    """A server, as a row or as an object."""

    project_id: str


class Protection(typing.NamedTuple):
    """What was protected at one moment.

    :ivar projects: ids of projects whose servers are no victims.
    :ivar protected_hosts: names of hosts where no server is evicted.
    :ivar evictable_hosts: names of hosts where some aggregate allows
        evictions.
    :ivar is_evictable_by_default: whether servers may be evicted on a host
        that no aggregate speaks of.
    :ivar unmarked_flavors: ids of flavors from which the operator has taken
        the mark, so that their servers are no victims; see flavors.py.
    :ivar stuck_hosts: names of hosts that do not delete what they were asked
        to.
    """

    projects: frozenset[str] = frozenset()
    protected_hosts: frozenset[str] = frozenset()
    evictable_hosts: frozenset[str] = frozenset()
    is_evictable_by_default: bool = True
    unmarked_flavors: frozenset[str] = frozenset()
    stuck_hosts: frozenset[str] = frozenset()

    @classmethod
    def now(
        cls,
        host_manager: host_managers.HostManager,
        stuck: stuck_deletions.StuckDeletions,
    ) -> Protection:
        """Return the protection of this moment.

        The API database is asked about flavors, if these alone make servers
        preemptible.

        :param host_manager: nova tells it when an aggregate changes.
        """
        unmarked = flavors.unmarked(
            nova_context.get_admin_context(), host_manager.index.flavors()
        )
        return cls._by(
            aggregates.marks_known(host_manager, AGGREGATE_KEY)
        )._replace(
            unmarked_flavors=unmarked,
            stuck_hosts=stuck.hosts(host_manager.index.asked_to_delete()),
        )

    @classmethod
    def read(cls, hosts: Collection[str]) -> Protection:
        """Return the protection of some hosts, as the database has it.

        :param hosts: names of their compute services.
        """
        context = nova_context.get_admin_context()
        return cls._by(aggregates.marks_on(context, hosts, AGGREGATE_KEY))

    @classmethod
    def _by(cls, marks: Iterable[aggregates.Mark]) -> Protection:
        hosts: dict[bool, set[str]] = {False: set(), True: set()}
        for mark in marks:
            hosts[_allows_evictions(mark)].update(mark.hosts)
        return cls(
            frozenset(CONF.opie.never_evicted_projects),
            frozenset(hosts[False]),
            frozenset(hosts[True]),
            CONF.opie.evict_by_default,
        )

    def why_protected(self, host: str) -> str | None:
        """Return why no server on a host may be evicted, or None.

        :param host: the name of its compute service.
        """
        if host in self.protected_hosts:
            return _BY_AGGREGATE
        if not (self.is_evictable_by_default or host in self.evictable_hosts):
            return _BY_DEFAULT
        if host in self.stuck_hosts:
            return _BY_STUCK_DELETION
        return None

    def potential_victims(
        self,
        host: str,
        servers: Iterable[preemptibles.PreemptibleServer],
        excluded: Collection[str] = (),
    ) -> tuple[preemptibles.PreemptibleServer, ...]:
        """Return those of a host's preemptible servers that may be victims.

        :param excluded: uuids of servers that are to be no victims.
        """
        if self.why_protected(host):
            return ()
        return tuple(
            server
            for server in servers
            if server.uuid not in excluded and not self.why_excluded(server)
        )

    def why_excluded(
        self, server: preemptibles.PreemptibleServer
    ) -> str | None:
        """Return why a server is no potential victim on any host."""
        if server.project_id in self.projects:
            return NEVER_EVICTED
        if server.flavor_id in self.unmarked_flavors:
            return UNMARKED
        # What is so of most servers is seen without a call.
        if (
            server.vm_state == vm_states.ACTIVE
            and server.task_state is None
            and server.locked_by is None
            and not server.disable_terminate
            and server.why_user_bound is None
        ):
            return None
        return (
            why_no_victim(server)
            or why_busy(server)
            or why_undeletable(server)
        )

    def may_go(
        self,
        host: str,
        servers: Collection[preemptibles.PreemptibleServer],
    ) -> set[str]:
        """Return the uuids of those of a host's servers that may be gone.

        These are the potential victims, and servers that leave anyway.
        """
        leaving = {
            server.uuid for server in servers if server.task_state in _DELETING
        }
        victims = self.potential_victims(host, servers)
        return leaving.union(server.uuid for server in victims)


def _allows_evictions(mark: aggregates.Mark) -> bool:
    try:
        return strutils.bool_from_string(mark.value, strict=True)
    except ValueError:
        LOG.warning(
            'The aggregate %(name)s says %(key)s=%(value)s, which is neither '
            'true nor false: no server on its hosts is evicted.',
            {
                'name': mark.aggregate,
                'key': AGGREGATE_KEY,
                'value': mark.value,
            },
        )
        return False


def costs_nothing(server: Server) -> bool:
    """Tell whether nothing is lost when a server goes."""
    return (
        server.task_state in _DELETING
        or server.vm_state == vm_states.SOFT_DELETED
    )


def why_never(server: HasProject) -> str | None:
    """Return why a server is never evicted, or None."""
    if server.project_id in CONF.opie.never_evicted_projects:
        return NEVER_EVICTED
    return None


def why_no_victim(server: Server) -> str | None:
    """Return why the state of a server keeps it from being a victim, or None.

    The lock of its owner does not protect a server, because any owner could
    lock.
    """
    if server.task_state in _DELETING:
        return 'is being deleted already'
    if server.vm_state in _WITHOUT_RESOURCES:
        return 'is %s' % server.vm_state
    if server.locked_by == 'admin':
        return 'is locked by an administrator'
    if server.disable_terminate:
        return 'may not be terminated'
    # Only a value that was read for a plan tells.
    return getattr(server, 'why_user_bound', None)


def why_undeletable(server: preemptibles.PreemptibleServer) -> str | None:
    """Return why a server cannot be a victim once more, or None."""
    if server.is_undeletable:
        return 'is in ERROR, because nova failed to delete it'
    return None


def why_busy(server: Server) -> str | None:
    """Return why a server is no potential victim for a moment, or None."""
    if server.task_state is not None:
        return 'is busy: %s' % server.task_state
    return None
