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

"""The servers that a request wants beside it, or far from it.

They are the members of its server group, and the servers that it names in the
hints that nova has for that.
"""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Iterable

from nova import context as nova_context
from nova import exception
from nova import objects

from opie.scheduler.nova_db import whereabouts
from opie.scheduler.planning import pending

_HINTS = ('different_host', 'same_host')


def matter_to(spec: objects.RequestSpec) -> bool:
    """Tell whether a request looks at which server is where."""
    return spec.instance_group is not None or any(
        map(spec.get_scheduler_hint, _HINTS)
    )


def of(spec: objects.RequestSpec) -> set[str]:
    """Return the uuids of a request's companions.

    Preemptors of the request itself may be among them.
    """
    uuids = set(spec.instance_group.members if spec.instance_group else ())
    for hint in _HINTS:
        named = spec.get_scheduler_hint(hint) or ()
        uuids.update([named] if isinstance(named, str) else named)
    return uuids


def read_members(
    context: nova_context.RequestContext, spec: objects.RequestSpec
) -> None:
    """Read the members of a request's server group anew.

    nova's conductor has read them before it called the scheduler.  A group
    that was deleted since is taken as it was then.
    """
    group = spec.instance_group
    if group is None or 'uuid' not in group:
        return
    try:
        now = objects.InstanceGroup.get_by_uuid(context, group.uuid)
    except exception.InstanceGroupNotFound:
        return
    group.members = now.members
    group.obj_reset_changes(['members'])


def read_group(
    spec: objects.RequestSpec, own: Collection[str]
) -> whereabouts.Whereabouts:
    """Read the members of a request's group and their hosts anew.

    :param own: uuids of members whose hosts do not count.
    :returns: where the other members are.
    :raises errors.SilentCells: if a cell does not answer.
    """
    context = nova_context.get_admin_context()
    if spec.instance_group is None:
        return whereabouts.find(context, ())
    read_members(context, spec)
    others = set(spec.instance_group.members) - set(own)
    found = whereabouts.find(context, others)
    spec.instance_group.hosts = []
    add_hosts(spec, found.hosts.values())
    return found


def add_pending(spec: objects.RequestSpec, others: pending.Pending) -> None:
    """Add the hosts of pending members to those of a request's group."""
    if spec.instance_group is not None:
        add_hosts(spec, others.hosts_of(spec.instance_group.members))


def add_hosts(spec: objects.RequestSpec, hosts: Iterable[str]) -> None:
    """Add hosts to those of a request's server group, if it has one."""
    group = spec.instance_group
    if group is not None:
        group.hosts = sorted({*group.hosts, *hosts})
        # As in nova's own scheduling, this is not to be saved.
        group.obj_reset_changes(['hosts'])
