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

"""What the plans of one scheduler worker are made from.

A worker keeps its view of the hosts from one request to the next.  A request
adds its own client of placement and its deadline.
"""

from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
import dataclasses
import typing

from nova import context as nova_context
from nova import objects

from opie.scheduler import waiting
from opie.scheduler.nova_db import index
from opie.scheduler.nova_db import preemptibles
from opie.scheduler.placement import client as placement_client
from opie.scheduler.planning import host_values

# (host, node) to the reason why the host cannot serve.
Reasons = Mapping[tuple[str, str], str]


class HostState(typing.Protocol):
    """What planning reads and changes of opie's HostState."""

    uuid: str
    host: str
    nodename: str
    service: typing.Any
    instances: dict[str, typing.Any]
    limits: dict[str, typing.Any]
    allocation_candidates: list[dict[str, typing.Any]]
    preemptibles: tuple[preemptibles.PreemptibleServer, ...]

    def without(self, gone: Collection[str]) -> 'HostState': ...

    def consume_from_request(
        self, spec_obj: 'objects.RequestSpec'
    ) -> None: ...


class HostManager(typing.Protocol):
    """What planning asks of opie's HostManager."""

    index: index.Index
    enabled_cells: list[typing.Any]
    enabled_filters: list[typing.Any]
    aggs_by_id: dict[int, typing.Any]

    def states_and_silent_cells(
        self,
        context: nova_context.RequestContext,
        compute_uuids: Sequence[str],
        spec_obj: 'objects.RequestSpec',
        cell_uuids: Collection[str],
    ) -> tuple[list[HostState], list[str]]: ...

    def load_preemptibles(
        self, host_states: Iterable[HostState]
    ) -> list[str]: ...

    def servers_in_migration(
        self, host_states: Iterable[HostState]
    ) -> tuple[set[str], list[str]]: ...

    def filter_hosts(
        self,
        host_states: Iterable[HostState],
        spec_obj: 'objects.RequestSpec',
    ) -> tuple[list[HostState], Reasons]: ...

    def why_filtered(
        self, host_state: HostState, spec_obj: 'objects.RequestSpec'
    ) -> str | None: ...

    def get_weighed_hosts(
        self, hosts: Iterable[HostState], spec_obj: 'objects.RequestSpec'
    ) -> list[typing.Any]: ...


class InFlight(typing.Protocol):
    """What the journal says; see claims/journal.py."""

    @property
    def victims(self) -> frozenset[str]: ...

    @property
    def preemptions(self) -> list[typing.Any]: ...


class Journal(typing.Protocol):
    """Reads the journal."""

    def read(self, client: placement_client.Client) -> InFlight: ...


@dataclasses.dataclass(frozen=True)
class Worker:
    """What a scheduler worker keeps from one request to the next.

    :ivar servicegroup: nova's servicegroup API.
    """

    host_manager: HostManager
    servicegroup: typing.Any
    journal: Journal
    hosts: host_values.HostValues = dataclasses.field(
        default_factory=host_values.HostValues
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
