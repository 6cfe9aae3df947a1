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


"""opie's weighers keep servers away from hosts with preemptible servers."""

import nova.conf
from testtools import testcase

from opie.tests.functional import base

CONF = nova.conf.CONF

_NOVA_WEIGHERS = ['nova.scheduler.weights.all_weighers']
_WEIGHERS = 'opie.scheduler.weights.preemptible.'
_COUNT = _WEIGHERS + 'PreemptibleCountWeigher'
_DURATION = _WEIGHERS + 'PreemptibleDurationWeigher'
_HOUR_SECONDS = 3600
_MARGIN_SECONDS = 600  # more than a test may take


class WeigherCase(base.CloudTestCase):
    """nova's own weighers prefer the first host, which has more room."""

    weighers = ()

    def configure(self):
        # The next request weighs what a test has just done.
        self.flags(index_refresh_seconds=0, group='opie')
        self.flags(
            weight_classes=[*_NOVA_WEIGHERS, *self.weighers],
            group='filter_scheduler',
        )


class BothWeighersTest(WeigherCase):
    weighers = (_COUNT, _DURATION)

    @testcase.attr('smoke')
    def test_a_boot_goes_where_no_preemptibles_are(self):
        self.boot_preemptible(1, 'host1')
        self.boot(8, 'host2')
        self.assertEqual('host2', self.host_of(self.boot(1)))


class CountWeigherTest(WeigherCase):
    weighers = (_COUNT,)

    def test_a_boot_goes_where_fewer_preemptibles_are(self):
        for _ in range(2):
            self.boot_preemptible(1, 'host1')
        self.boot_preemptible(8, 'host2')
        # Until then a new server counts as one that is busy with its disk.
        self.audit()
        self.assertEqual('host2', self.host_of(self.boot(1)))


class AggregateMultiplierTest(WeigherCase):
    weighers = (_COUNT, _DURATION)

    def test_metadata_of_an_aggregate_replaces_the_multipliers(self):
        # host2 would win, as in the test of both weighers above.
        self.add_aggregate(
            'indifferent',
            'host2',
            preemptible_count_weight_multiplier='0',
            preemptible_duration_weight_multiplier='0',
        )
        self.boot_preemptible(1, 'host1')
        self.boot(8, 'host2')
        self.assertEqual('host1', self.host_of(self.boot(1)))


class DurationWeigherTest(WeigherCase):
    weighers = (_DURATION,)

    def test_a_boot_stays_away_from_a_period_nearly_over(self):
        late = self.boot_preemptible(1, 'host1')
        early = self.boot_preemptible(5, 'host2')
        self.has_run(late, 2 * _HOUR_SECONDS - _MARGIN_SECONDS)
        self.has_run(early, _HOUR_SECONDS + _MARGIN_SECONDS)
        self.assertEqual('host2', self.host_of(self.boot(1)))


class HistoricWeightClassesTest(base.CloudTestCase):
    def configure(self):
        # NOTE: oslo.config remembers that an option was overridden, for the
        # life of the process.
        CONF._get_opt_info('weight_classes', 'filter_scheduler').pop(
            'location', None
        )
        self.flags(index_refresh_seconds=0, group='opie')
        self.flags(scheduler_weight_classes=[*_NOVA_WEIGHERS, _COUNT])

    def test_the_historic_option_is_enough_and_warns(self):
        self.boot_preemptible(1, 'host1')
        self.boot(8, 'host2')
        self.assertEqual('host2', self.host_of(self.boot(1)))
        (line,) = self.logged('scheduler_weight_classes')
        self.assertIn('WARNING', line)
        self.assertIn('[filter_scheduler] weight_classes', line)


class BothWeightClassesTest(base.CloudTestCase):
    def configure(self):
        self.flags(index_refresh_seconds=0, group='opie')
        self.flags(scheduler_weight_classes=[*_NOVA_WEIGHERS, _COUNT])
        self.flags(weight_classes=_NOVA_WEIGHERS, group='filter_scheduler')

    def test_the_historic_option_is_ignored_beside_the_newer_one(self):
        self.boot_preemptible(1, 'host1')
        self.boot(8, 'host2')
        self.assertEqual('host1', self.host_of(self.boot(1)))
        (line,) = self.logged('scheduler_weight_classes')
        self.assertIn('WARNING', line)
        self.assertIn('is ignored', line)
