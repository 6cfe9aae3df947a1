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

"""The weights that opie's weighers give to hosts."""

import types

from opie.tests.unit.cmd import base  # isort: skip

from nova import objects
from nova.scheduler import weights

from opie.scheduler.weights import preemptible

_COUNT = 'preemptible_count_weight_multiplier'
_DURATION = 'preemptible_duration_weight_multiplier'
_WEIGHERS = {
    _COUNT: preemptible.PreemptibleCountWeigher,
    _DURATION: preemptible.PreemptibleDurationWeigher,
}

objects.register_all()


def _aggregate(**metadata):
    return objects.Aggregate(metadata=metadata)


class TestMultiplier(base.CommandTestCase):
    """A host without preemptibles gets the multiplier as its weight."""

    def setUp(self):
        super().setUp()
        self.config.config(**{_COUNT: 3.0, _DURATION: 5.0})

    def weights(self, option, *aggregates):
        """Return the weights of two hosts; the first is in aggregates."""
        server = types.SimpleNamespace(launched_at=1.0)
        empty, plain, busy = (
            types.SimpleNamespace(
                host=host,
                nodename=host,
                aggregates=aggregates if host == 'empty' else [],
                preemptibles=(server,) if host == 'busy' else (),
            )
            for host in ('empty', 'plain', 'busy')
        )
        weighed = weights.HostWeightHandler().get_weighed_objects(
            [_WEIGHERS[option]()], [empty, plain, busy], None
        )
        by_host = {one.obj.host: one.weight for one in weighed}
        self.assertEqual(0, by_host['busy'])
        return by_host['empty'], by_host['plain']

    def test_the_option_counts_without_aggregates(self):
        self.assertEqual((3.0, 3.0), self.weights(_COUNT))
        self.assertEqual((5.0, 5.0), self.weights(_DURATION))

    def test_metadata_of_an_aggregate_replaces_the_option_for_its_hosts(self):
        for option, default in ((_COUNT, 3.0), (_DURATION, 5.0)):
            aggregate = _aggregate(**{option: '-1.5'})
            self.assertEqual((-1.5, default), self.weights(option, aggregate))

    def test_the_metadata_of_one_weigher_is_none_of_the_other(self):
        aggregate = _aggregate(**{_DURATION: '7'})
        self.assertEqual((3.0, 3.0), self.weights(_COUNT, aggregate))

    def test_the_lowest_of_several_aggregates_counts(self):
        aggregates = [_aggregate(**{_COUNT: text}) for text in ('2', '1')]
        self.assertEqual((1.0, 3.0), self.weights(_COUNT, *aggregates))

    def test_metadata_that_is_no_number_leaves_the_option(self):
        aggregate = _aggregate(**{_COUNT: 'many'})
        self.assertEqual((3.0, 3.0), self.weights(_COUNT, aggregate))
