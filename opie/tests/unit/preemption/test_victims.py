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


"""The victims on one host."""

import dataclasses
import itertools

import testtools

from opie.preemption import amounts
from opie.preemption import cost
from opie.preemption import model
from opie.preemption import shortfall
from opie.tests.unit.preemption import builders

host = builders.host
inventory = builders.inventory
request = builders.request
server = builders.server


def names_of(servers):
    return [one.uuid for one in servers]


@builders.scenarios(
    {
        'no server goes where there is room': (
            host('a', server('v', VCPU=1), VCPU=8),
            request(VCPU=7),
            [],
        ),
        'no server goes from an empty host': (
            host('a', VCPU=8),
            request(VCPU=8),
            [],
        ),
        'one goes where one core is missing': (
            host('a', server('v', VCPU=1), VCPU=8),
            request(VCPU=8),
            ['v'],
        ),
        'two small ones go where one does not suffice': (
            host('a', server('v', VCPU=2), server('w', VCPU=2), VCPU=4),
            request(VCPU=4),
            ['v', 'w'],
        ),
        'a server that frees nothing of use stays': (
            host(
                'a',
                server('disk', DISK_GB=9),
                server('cores', VCPU=2, minutes=59),
                VCPU=2,
                DISK_GB=20,
            ),
            request(VCPU=2),
            ['cores'],
        ),
        'one large server goes rather than many small ones': (
            host(
                'a',
                server('large', VCPU=3, minutes=59),
                *(server('small%d' % i, VCPU=1) for i in range(3)),
                VCPU=6,
            ),
            request(VCPU=3),
            ['large'],
        ),
        'two that lose little go rather than one that loses much': (
            host(
                'a',
                server('dear', VCPU=2, minutes=59),
                server('v', VCPU=1),
                server('w', VCPU=1),
                VCPU=4,
            ),
            request(VCPU=2),
            ['v', 'w'],
            cost.Cost(count_multiplier=0.0),
        ),
        'of two alike, 1 h 01 min goes before 1 h 59 min': (
            host(
                'a',
                server('v', VCPU=1, minutes=119),
                server('w', VCPU=1, minutes=61),
                VCPU=2,
            ),
            request(VCPU=1),
            ['w'],
        ),
        'of two alike in everything the first uuid goes': (
            host('a', server('w', VCPU=1), server('v', VCPU=1), VCPU=2),
            request(VCPU=1),
            ['v'],
        ),
        'each class is freed by its own server': (
            host(
                'a',
                server('cores', VCPU=2),
                server('memory', MEMORY_MB=4),
                VCPU=2,
                MEMORY_MB=4,
            ),
            request(VCPU=2, MEMORY_MB=4),
            ['cores', 'memory'],
        ),
        'a custom class is a class like any other': (
            host(
                'a',
                server('gold', CUSTOM_GOLD=1),
                server('iron', VCPU=1),
                CUSTOM_GOLD=1,
                VCPU=1,
            ),
            request(CUSTOM_GOLD=1),
            ['gold'],
        ),
        'reserved cores are not given away': (
            host(
                'a',
                server('v', VCPU=2),
                server('w', VCPU=2),
                VCPU=inventory(6, reserved=2),
            ),
            request(VCPU=3),
            ['v', 'w'],
        ),
        'an allocation ratio makes room': (
            host(
                'a',
                server('v', VCPU=4),
                VCPU=inventory(4, allocation_ratio=2.0),
            ),
            request(VCPU=4),
            [],
        ),
        'half a core of capacity is no core': (
            host(
                'a',
                server('v', VCPU=2),
                VCPU=inventory(5, allocation_ratio=0.5),
            ),
            request(VCPU=1),
            ['v'],
        ),
        'a host over capacity has to come down to it first': (
            host(
                'a',
                *(server('v%d' % i, VCPU=2) for i in range(3)),
                VCPU=4,
            ),
            request(VCPU=2),
            ['v0', 'v1'],
        ),
        'being over capacity of what is not wanted is no obstacle': (
            host('a', server('v', VCPU=1, DISK_GB=9), VCPU=2, DISK_GB=5),
            request(VCPU=1),
            [],
        ),
    }
)
class ChooseVictimsTest(testtools.TestCase):
    def check(self, host, request, expected, its_cost=None):
        chosen = builders.choose_victims(
            host, request.resources, its_cost=its_cost or cost.Cost()
        )
        self.assertEqual(expected, names_of(chosen))


@builders.scenarios(
    {
        'others fill the host': (
            host('a', server('v', VCPU=1), busy={'VCPU': 7}, VCPU=8),
            request(VCPU=2),
            'not enough VCPU even without preemptible servers',
        ),
        'of its preemptible servers some may not be evicted': (
            dataclasses.replace(
                host('a', busy={'VCPU': 8}, VCPU=8), has_excluded=True
            ),
            request(VCPU=2),
            'not enough VCPU even without those that may be evicted',
        ),
        'every missing class is named': (
            host('a', busy={'VCPU': 1, 'DISK_GB': 1}, VCPU=1, DISK_GB=1),
            request(VCPU=1, DISK_GB=1),
            'not enough DISK_GB, VCPU even without preemptible servers',
        ),
        'a class that suffices is not named': (
            host('a', busy={'VCPU': 1}, VCPU=1, DISK_GB=1),
            request(VCPU=1, DISK_GB=1),
            'not enough VCPU even without preemptible servers',
        ),
        'the host lacks a class': (
            host('a', VCPU=8),
            request(VCPU=1, CUSTOM_GOLD=1),
            'no inventory of CUSTOM_GOLD',
        ),
        'less than the least unit is asked for': (
            host('a', VCPU=inventory(8, min_unit=2)),
            request(VCPU=1),
            'its units of VCPU do not allow the amount',
        ),
        'more than the greatest unit is asked for': (
            host('a', VCPU=inventory(8, max_unit=2)),
            request(VCPU=3),
            'its units of VCPU do not allow the amount',
        ),
        'the amount is between two steps': (
            host('a', VCPU=inventory(8, step_size=2)),
            request(VCPU=3),
            'its units of VCPU do not allow the amount',
        ),
    }
)
class RefusalTest(testtools.TestCase):
    def check(self, host, request, reason):
        refusal = builders.choose_victims(host, request.resources)
        self.assertEqual(model.Unfit(reason), refusal)


class ShortfallTest(testtools.TestCase):
    def test_it_is_what_is_missing_beyond_the_victims(self):
        servers = [server('v', VCPU=2, DISK_GB=3), server('w', VCPU=2)]
        crowded = host('a', *servers, VCPU=4, DISK_GB=3)
        wanted = {'VCPU': 4, 'DISK_GB': 1}
        lacking = shortfall.Shortfall(
            crowded, amounts.Demand(wanted, 1, builders.USUAL)
        )
        self.assertEqual(
            [wanted, {'VCPU': 2}, {}],
            [lacking.missing(servers[:number]) for number in range(3)],
        )


class OrderTest(testtools.TestCase):
    def test_the_order_of_resource_classes_is_irrelevant(self):
        # As fractions of the request 1 + 1 + 1/3 and 1 + 2/3 + 2/3 are the
        # same, but not when they are added as floats in any order.
        crowded = host(
            'a',
            server('u', VCPU=8, DISK_GB=2, MEMORY_MB=8),
            server('v', VCPU=3, DISK_GB=4, MEMORY_MB=2),
            server('w', VCPU=4, DISK_GB=2, MEMORY_MB=4),
            VCPU=15,
            DISK_GB=8,
            MEMORY_MB=14,
        )
        amounts = {'VCPU': 3, 'DISK_GB': 3, 'MEMORY_MB': 6}
        chosen = {
            tuple(
                one.uuid
                for one in builders.choose_victims(crowded, dict(pairs))
            )
            for pairs in itertools.permutations(amounts.items())
        }
        self.assertEqual(1, len(chosen), chosen)
