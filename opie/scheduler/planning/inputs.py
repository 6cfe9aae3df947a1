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

"""What plans are made from: all that a worker keeps, and what a request adds.

A scheduler worker keeps its view of the hosts from one request to the next.  A
request adds its own client of placement and its deadline.
"""

from collections.abc import Mapping
from collections.abc import Sequence
import dataclasses
import typing

from opie.scheduler import host_manager as host_managers
from opie.scheduler import waiting
from opie.scheduler.nova_db import shared_deletions
from opie.scheduler.nova_db import shared_states
from opie.scheduler.placement import client as placement_client
from opie.scheduler.planning import failing_deletions
from opie.scheduler.planning import host_queues
from opie.scheduler.planning import host_values
from opie.scheduler.planning import known_states
from opie.scheduler.planning import pending
from opie.scheduler.planning import refused
from opie.scheduler.planning import stuck_deletions


class InFlight(typing.Protocol):
    """What planning reads of claims/journal.py, a room beside this one."""

    @property
    def victims(self) -> frozenset[str]: ...

    @property
    def preemptions(self) -> list[typing.Any]: ...

    def evictions(self) -> Mapping[str, typing.Any]: ...


class Journal(typing.Protocol):
    """Reads the journal."""

    @property
    def wasted(self) -> Sequence[typing.Any]: ...

    def read(self, client: placement_client.Client) -> InFlight: ...


@dataclasses.dataclass(frozen=True)
class Worker:
    """What a scheduler worker keeps from one request to the next.

    :ivar servicegroup: nova's servicegroup API.
    :ivar name: what stands for the worker in the journal.
    """

    host_manager: host_managers.HostManager
    servicegroup: typing.Any
    journal: Journal
    name: str
    hosts: host_values.HostValues = dataclasses.field(
        default_factory=host_values.HostValues
    )
    states: known_states.KnownStates = dataclasses.field(
        default_factory=known_states.KnownStates
    )
    pending_reader: pending.Reader = dataclasses.field(
        default_factory=pending.Reader
    )
    server_states: shared_states.SharedStates = dataclasses.field(
        default_factory=shared_states.SharedStates
    )
    deletions: shared_deletions.SharedDeletions = dataclasses.field(
        default_factory=shared_deletions.SharedDeletions
    )
    queues: host_queues.HostQueues = dataclasses.field(
        default_factory=host_queues.HostQueues
    )
    refused_victims: refused.RefusedVictims = dataclasses.field(
        default_factory=refused.RefusedVictims
    )
    failing: failing_deletions.FailingDeletions = dataclasses.field(
        default_factory=failing_deletions.FailingDeletions
    )
    stuck: stuck_deletions.StuckDeletions = dataclasses.field(
        default_factory=stuck_deletions.StuckDeletions
    )


@dataclasses.dataclass(frozen=True)
class Sources:
    """Where the plans for one request come from.

    :ivar placement: the client of this request.
    :ivar deadline: of the preemption.
    :ivar is_room_hidden: whether pass 1 may have missed hosts with room.
    """

    worker: Worker
    placement: placement_client.Client
    deadline: waiting.Deadline
    is_room_hidden: bool
