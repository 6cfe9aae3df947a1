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

"""What a plan takes of which consumers, and what it leaves to them."""

from collections.abc import Iterable
from collections.abc import Mapping

from opie.preemption import model
from opie.preemption import rows
from opie.scheduler import resources
from opie.scheduler.claims import journal
from opie.scheduler.claims import journal_names
from opie.scheduler.claims import parts
from opie.scheduler.placement import client as placement


class Taking:
    """What one plan takes.

    A consumer is a victim, or a migration that holds a victim's old place.

    :ivar provider_of: consumer to the provider of the host where is taken.
    :ivar leaving: the victims that leave anyway, perhaps for another
        preemptor.
    """

    def __init__(self, plan: model.Plan) -> None:
        self.provider_of: dict[str, str] = {}
        self.leaving: set[str] = set()
        self._consumers_of: dict[str, list[str]] = {}
        # Consumer to preemptor to what is taken.
        self._parts: dict[str, dict[str, dict[str, int]]] = {}
        for provider, server in plan.victims:
            if server.is_leaving:
                self.leaving.add(server.uuid)
            consumers = [server.uuid, *server.by_migration]
            self._consumers_of[server.uuid] = consumers
            self.provider_of.update(dict.fromkeys(consumers, provider))
            shares = plan.shares[server.uuid]
            self._parts.update(resources.by_consumer(server, shares))

    def consumers_of(self, victims: Iterable[str]) -> list[str]:
        """Return the victims, and the migrations that hold for them."""
        return [
            consumer
            for victim in victims
            for consumer in self._consumers_of[victim]
        ]

    def shrink(
        self,
        consumer: placement.Consumer,
        preemptions: Mapping[str, journal_names.Preemption],
    ) -> resources.Allocations:
        """Return what a consumer keeps, and its entries in the journal.

        :param preemptions: preemptor to its preemption.
        """
        left, entries = consumer.allocations, {}
        uuid = consumer.uuid
        provider, is_leaving = self.provider_of[uuid], uuid in self.leaving
        for preemptor, amounts in self._parts.get(uuid, {}).items():
            left = resources.subtract(
                left, rows.to_allocations(provider, amounts)
            )
            booked_on = preemptions[preemptor].journal_provider
            of_root, in_parts = parts.split(booked_on, provider, amounts)
            if uuid in self._consumers_of:
                entries[booked_on] = journal.entry_for(of_root, is_leaving)
            else:
                entries[booked_on] = journal.entry_of_migration(of_root)
            for part, taken in in_parts.items():
                entries[part.uuid] = journal.entry_of_part(taken, is_leaving)
        return {**left, **entries}
