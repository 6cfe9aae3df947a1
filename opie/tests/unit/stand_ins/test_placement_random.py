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

"""Any requests, in any order, are answered alike by both placements."""

import hypothesis
from hypothesis import strategies
from oslo_utils import uuidutils

from opie.tests.unit.stand_ins import contract

# Shrinking would take minutes, and a failure is short as it is.
SETTINGS = hypothesis.settings(
    deadline=None,
    max_examples=30,
    suppress_health_check=(hypothesis.HealthCheck.too_slow,),
    phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
)

_CLASSES = ('VCPU', 'MEMORY_MB')
_NAMES = ('host', 'child', 'other')
_SERVERS = ('victim', 'preemptor', 'migration')

_amounts = strategies.dictionaries(
    strategies.sampled_from(_CLASSES), strategies.integers(1, 6), min_size=1
)
_held = strategies.dictionaries(
    strategies.sampled_from((*_NAMES, 'unknown')), _amounts, max_size=2
)
# Added to a generation; None stands for a consumer that is thought to be new.
_errors = strategies.sampled_from((0, 0, 0, 0, 0, 1, None))
_requests = strategies.one_of(
    strategies.tuples(
        strategies.just('inventories'),
        strategies.sampled_from(_NAMES),
        strategies.dictionaries(
            strategies.sampled_from(_CLASSES), strategies.integers(1, 12)
        ),
    ),
    strategies.tuples(
        strategies.just('allocations'),
        strategies.dictionaries(
            strategies.sampled_from(_SERVERS),
            strategies.tuples(_errors, _held),
            min_size=1,
        ),
    ),
    strategies.tuples(
        strategies.sampled_from(('delete server', 'delete provider')),
        strategies.integers(0, 2),
    ),
)


class AnyRequestsTest(contract.ContractTestCase):
    @SETTINGS
    @hypothesis.given(strategies.lists(_requests, min_size=5, max_size=15))
    def test_the_answers_are_the_same(self, requests):
        self.start_anew()
        self.uuids = {
            name: uuidutils.generate_uuid()
            for name in (*_NAMES, *_SERVERS, 'unknown')
        }
        for name, parent in (
            ('host', None),
            ('child', self.uuids['host']),
            ('other', None),
        ):
            self.create(self.uuids[name], parent=parent)
            self.set_inventories(
                self.uuids[name], 0, VCPU=8, MEMORY_MB={'total': 8}
            )
        for kind, *arguments in requests:
            getattr(self, '_' + kind.replace(' ', '_'))(*arguments)
        self.assertSameState()

    def _inventories(self, name, totals):
        provider = self.stand_in.records.providers.get(self.uuids[name])
        self.set_inventories(
            self.uuids[name], provider.generation if provider else 0, **totals
        )

    def _allocations(self, writes):
        self.allocate(
            **{
                self.uuids[name]: (
                    self._generation(self.uuids[name], error),
                    {
                        self.uuids[provider]: resources
                        for provider, resources in held.items()
                    },
                )
                for name, (error, held) in writes.items()
            }
        )

    def _generation(self, consumer, error):
        known = self.stand_in.records.consumers.get(consumer)
        if known is None:
            return error or None
        return None if error is None else known.generation + error

    def _delete_server(self, index):
        self.ask('delete', '/allocations/' + self.uuids[_SERVERS[index]])

    def _delete_provider(self, index):
        self.ask('delete', '/resource_providers/' + self.uuids[_NAMES[index]])
