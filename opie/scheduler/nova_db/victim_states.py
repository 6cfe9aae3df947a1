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

"""In which states a preemptible server is a potential victim."""

import typing

from nova.compute import task_states
from nova.compute import vm_states

_DELETING = (task_states.DELETING, task_states.SOFT_DELETING)
# States in which a server holds nothing on its host, or is on its way out.
_WITHOUT_RESOURCES = (
    vm_states.SHELVED_OFFLOADED,
    vm_states.SOFT_DELETED,
    vm_states.DELETED,
)


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


def why_excluded(server: Server) -> str | None:
    """Return why a preemptible server must not be evicted now, or None.

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
    return None


def why_postponed(server: Server) -> str | None:
    """Return why a server is no potential victim for the moment, or None."""
    if server.task_state is not None:
        return 'is busy: %s' % server.task_state
    return None
