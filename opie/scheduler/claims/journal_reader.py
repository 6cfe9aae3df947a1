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

"""What one scheduler worker reads of the journal before each plan."""

from collections.abc import Iterator
from collections.abc import Sequence
from concurrent import futures
import typing

from oslo_log import log as logging

from opie.scheduler import resources
from opie.scheduler.claims import journal
from opie.scheduler.claims import journal_names
from opie.scheduler.claims import parts
from opie.scheduler.claims import waste
from opie.scheduler.placement import client as placement

LOG = logging.getLogger(__name__)


class Eviction(typing.NamedTuple):
    """What the journal says of a victim that is evicted.

    :ivar preemption: the preemption that evicts it.
    :ivar taken: what all preemptors together take of it.
    """

    preemption: journal_names.Preemption
    taken: dict[str, int]


class InFlight(typing.NamedTuple):
    """What the journal says at one moment.

    :ivar victims: the uuids of all victims of all preemptions in flight, and
        of the migrations that hold a victim's entries.
    :ivar preemptions: every preemption.
    :ivar entries: journal provider to consumer uuid to entry.
    """

    victims: frozenset[str]
    preemptions: list[journal_names.Preemption]
    entries: dict[str, dict[str, dict[str, int]]]

    def evictions(self) -> dict[str, Eviction]:
        """Return victim to what the journal says of its eviction."""
        taken: dict[str, list[dict[str, int]]] = {}
        evicting: dict[str, journal_names.Preemption] = {}
        for preemption in self.preemptions:
            booked_on = self.entries.get(preemption.journal_provider, {})
            for victim, entry in booked_on.items():
                taken.setdefault(victim, []).append(
                    journal.amounts_taken(entry)
                )
                if journal.is_of_victim(entry):
                    evicting[victim] = preemption
        return {
            victim: Eviction(preemption, dict(resources.total(taken[victim])))
            for victim, preemption in evicting.items()
        }


class Reader:
    """Reads what is in flight, for one worker.

    It keeps the entries of each journal provider, by the provider's
    generation.  A claim raises that generation, so that no victim is missed.
    A victim that is gone may stay until the provider is deleted.

    :ivar wasted: the records of projects whose preemptions were in vain, as
        they were read last.
    """

    def __init__(self) -> None:
        # (provider uuid, generation) to consumer uuid to entry.
        self._entries: dict[tuple[str, int], dict[str, dict[str, int]]] = {}
        self.wasted: list[waste.Waste] = []

    def read(self, client: placement.Client) -> InFlight:
        """Return what is in flight."""
        providers = journal.all_providers(client)
        keys = [
            (item['uuid'], item['generation'])
            for item in providers
            if not journal_names.is_of_waste(item['name'])
            and not parts.is_part(item['name'])
        ]
        found = {
            key: self._entries[key] for key in keys if key in self._entries
        }
        unread = [key for key in keys if key not in found]
        found.update(_read_entries(client, unread))
        self._entries = found
        self.wasted = waste.records(providers)
        return InFlight(
            frozenset().union(*found.values()),
            # The reaper warns of names that are not the journal's.
            journal.preemptions(providers, LOG.debug),
            {
                provider: booked_on
                for (provider, _), booked_on in found.items()
            },
        )


def _read_entries(
    client: placement.Client, keys: Sequence[tuple[str, int]]
) -> Iterator[tuple[tuple[str, int], dict[str, dict[str, int]]]]:
    """Yield (key, entries) of journal providers, which are read together.

    A burst leaves many.

    :param keys: (provider uuid, generation) of each.
    """

    def read(key: tuple[str, int]) -> dict[str, dict[str, int]]:
        return journal.entries(client, key[0])

    if len(keys) < 2:
        yield from ((key, read(key)) for key in keys)
        return
    with futures.ThreadPoolExecutor(placement.MAX_READS_AT_ONCE) as pool:
        yield from zip(keys, pool.map(read, keys), strict=True)
