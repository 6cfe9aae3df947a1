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

"""A cloud in the installed placement, and what that proposes there."""

from collections.abc import Iterable
from collections.abc import Mapping
import logging
from urllib import parse

import fixtures
from placement import db_api
from placement.db.sqlalchemy import models

from opie.preemption.trees import proposals
from opie.preemption.trees import providers
from opie.tests.trees import clouds
from opie.tests.unit.stand_ins import real_placement

# The first in which several lists of traits may be required.
_VERSION = '1.39'
# So much of everything that any server can come; servers stay when it shrinks.
_PLENTY = 10_000
_PER_CASE = (
    models.Allocation,
    models.Consumer,
    models.Inventory,
    models.ResourceProviderTrait,
    models.ResourceProviderAggregate,
    models.PlacementAggregate,
)


class RealCloud(fixtures.Fixture):
    """Has one cloud after another."""

    def _setUp(self):
        # placement logs each call, and the mistakes that it makes.
        self.useFixture(fixtures.FakeLogger(level=logging.CRITICAL))
        self._placement = self.useFixture(real_placement.RealPlacement())
        self._tree_traits = []

    def have(self, cloud: clouds.Cloud) -> None:
        """Have this cloud in place of the one before."""
        self._clear()
        self._roots = [one.uuid for one in cloud.providers if not one.parent]
        while len(self._tree_traits) < len(self._roots):
            trait = 'CUSTOM_TREE_%d' % len(self._tree_traits)
            self._write('put', '/traits/' + trait)
            self._tree_traits.append(trait)
        for provider in cloud.providers:
            body = {'uuid': provider.uuid, 'name': provider.uuid}
            if provider.parent:
                body['parent_provider_uuid'] = provider.parent
            self._write('post', '/resource_providers', body)
        self._generations = dict.fromkeys(
            (provider.uuid for provider in cloud.providers), 0
        )
        self._have_servers(cloud)
        for provider in cloud.providers:
            self._set_inventories(
                provider.uuid,
                {
                    name: {
                        field: getattr(inventory, field)
                        for field in (
                            'total',
                            'reserved',
                            'allocation_ratio',
                            'min_unit',
                            'max_unit',
                            'step_size',
                        )
                    }
                    for name, inventory in provider.inventories.items()
                },
            )
            traits = [*provider.traits]
            if provider.uuid in self._roots:
                # So that a request can be about this tree alone.
                at = self._roots.index(provider.uuid)
                traits.append(self._tree_traits[at])
            if traits:
                self._set(provider.uuid, 'traits', {'traits': traits})
            if provider.aggregates:
                self._set(
                    provider.uuid,
                    'aggregates',
                    {'aggregates': [*provider.aggregates]},
                )

    def _have_servers(self, cloud: clouds.Cloud) -> None:
        if not cloud.servers:
            return
        held = cloud.servers.values()
        for uuid in sorted({uuid for some in held for uuid in some}):
            names = {name for some in held for name in some.get(uuid, ())}
            self._set_inventories(
                uuid, {name: {'total': _PLENTY} for name in names}
            )
            # The allocations raise it as well.
            self._generations[uuid] += 1
        body = {
            server: _allocations(held, None)
            for server, held in cloud.servers.items()
        }
        self._write('post', '/allocations', body)

    def delete(self, servers: Iterable[str]) -> None:
        """Delete servers, which may hold nothing any more."""
        for server in sorted(servers):
            answer = self._placement.request(
                'delete', '/allocations/' + server
            )
            assert answer.status_code in (204, 404), vars(answer)

    def claim(
        self,
        preemptor: str,
        taken: providers.Allocations,
        left: Mapping[str, providers.Allocations],
    ) -> None:
        """Give a preemptor what it takes, and servers what is left to them.

        :param left: server to what it keeps.  No server was written to since
            the cloud began.
        """
        body = {server: _allocations(held, 1) for server, held in left.items()}
        body[preemptor] = _allocations(taken, None)
        self._write('post', '/allocations', body)

    def ask(
        self, pairs: Iterable[tuple[str, str]]
    ) -> tuple[int, set[proposals.Proposal]]:
        """Return the status of placement's answer, and what it proposes."""
        answer = self._placement.request(
            'get',
            '/allocation_candidates?' + parse.urlencode(list(pairs)),
            version=_VERSION,
        )
        found = set()
        if answer.status_code == 200:
            found = {
                _proposal(one) for one in answer.json()['allocation_requests']
            }
        return answer.status_code, found

    def ask_tree_by_tree(
        self, pairs: Iterable[tuple[str, str]]
    ) -> tuple[int, set[proposals.Proposal]]:
        """Return the same of one request for each tree as the anchor."""
        wanted = [value for key, value in pairs if key == 'root_required']
        others = [pair for pair in pairs if pair[0] != 'root_required']
        told = [
            self.ask([*others, ('root_required', ','.join([*wanted, trait]))])
            for trait in self._tree_traits[: len(self._roots)]
        ]
        return (
            max(status for status, _ in told),
            set().union(*(found for _, found in told)),
        )

    def _set_inventories(self, uuid, inventories):
        if inventories:
            self._set(uuid, 'inventories', {'inventories': inventories})

    def _set(self, uuid, what, body):
        body['resource_provider_generation'] = self._generations[uuid]
        answer = self._write(
            'put', '/resource_providers/%s/%s' % (uuid, what), body
        )
        self._generations[uuid] = answer.json()['resource_provider_generation']

    def _write(self, method, url, body=None):
        answer = self._placement.request(method, url, body)
        assert answer.status_code < 300, (url, body, vars(answer))
        return answer

    def _clear(self):
        with db_api.get_placement_engine().begin() as connection:
            for model in _PER_CASE:
                connection.execute(model.__table__.delete())
            table = models.ResourceProvider.__table__
            connection.execute(
                table.update().values(
                    root_provider_id=None, parent_provider_id=None
                )
            )
            connection.execute(table.delete())


def _allocations(held, generation):
    """Return the body of a consumer that is to hold this."""
    return {
        'allocations': {
            uuid: {'resources': dict(resources)}
            for uuid, resources in held.items()
        },
        'project_id': 'a project',
        'user_id': 'a user',
        'consumer_generation': generation,
    }


def _proposal(told: dict) -> proposals.Proposal:
    return proposals.Proposal(
        frozenset(
            (uuid, name, amount)
            for uuid, item in told['allocations'].items()
            for name, amount in item['resources'].items()
        ),
        frozenset(
            (suffix, frozenset(uuids))
            for suffix, uuids in told['mappings'].items()
        ),
    )
