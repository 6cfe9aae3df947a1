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

"""By which criteria one choice is better than another, one by one."""

import dataclasses

import testtools

from opie.preemption import cost
from opie.tests.unit.preemption import builders

host = builders.host
request = builders.request
server = builders.server

_HALF_AN_HOUR = 1800

YOUNG_ARE_SPARED = cost.Cost(min_runtime_seconds=_HALF_AN_HOUR)
YOUNG_NEVER_GO = cost.Cost(
    min_runtime_seconds=_HALF_AN_HOUR, is_min_runtime_strict=True
)
ONLY_AGE = cost.Cost(0.0, 0.0, age_multiplier=1.0)


def full_host(uuid, *servers, **fields):
    """Return a host of which the servers hold every core."""
    cores = sum(one.held['VCPU'] for one in servers)
    return host(uuid, *servers, VCPU=cores, **fields)


def launched_again(uuid, minutes, **held):
    """Return a server of a day that was launched again some minutes ago."""
    return dataclasses.replace(
        server(uuid, minutes, **held), protected_since=-86400.0
    )


@builders.scenarios(
    {
        'a young server stays while a dearer one will do': (
            [
                full_host(
                    'a',
                    server('young', VCPU=1, minutes=1),
                    server('dear', VCPU=1, minutes=59),
                )
            ],
            request(VCPU=1),
            YOUNG_ARE_SPARED,
            [('a', ['dear'])],
        ),
        'a young server stays while many others will do': (
            [
                full_host(
                    'a',
                    server('young', VCPU=2, minutes=1),
                    server('v', VCPU=1, minutes=59),
                    server('w', VCPU=1, minutes=59),
                )
            ],
            request(VCPU=2),
            YOUNG_ARE_SPARED,
            [('a', ['v', 'w'])],
        ),
        'a young server stays while another host will do': (
            [
                full_host('a', server('young', VCPU=1, minutes=1)),
                full_host('b', server('dear', VCPU=1, minutes=59)),
            ],
            request(VCPU=1),
            YOUNG_ARE_SPARED,
            [('b', ['dear'])],
        ),
        'a young server goes where nothing else makes room': (
            [full_host('a', server('young', VCPU=1, minutes=1))],
            request(VCPU=1),
            YOUNG_ARE_SPARED,
            [('a', ['young'])],
        ),
        'as few young servers go as possible': (
            [
                full_host(
                    'a',
                    server('u', VCPU=1, minutes=1),
                    server('v', VCPU=1, minutes=2),
                    server('w', VCPU=2, minutes=25),
                    server('x', VCPU=1, minutes=59),
                )
            ],
            request(VCPU=3),
            YOUNG_ARE_SPARED,
            [('a', ['w', 'x'])],
        ),
        'a server that was launched again is not young': (
            [
                full_host('a', launched_again('again', minutes=1, VCPU=1)),
                full_host('b', server('dear', VCPU=1, minutes=59)),
            ],
            request(VCPU=1),
            YOUNG_NEVER_GO,
            [('a', ['again'])],
        ),
        'a server that was launched again costs as its last launch says': (
            [
                full_host('a', launched_again('again', minutes=59, VCPU=1)),
                full_host('b', server('cheap', VCPU=1, minutes=58)),
            ],
            request(VCPU=1),
            YOUNG_NEVER_GO,
            [('b', ['cheap'])],
        ),
        'a young server never goes if protection is strict': (
            [full_host('a', server('young', VCPU=1, minutes=1))],
            request(VCPU=1),
            YOUNG_NEVER_GO,
            [],
        ),
        'protection ends with the time it is for': (
            [full_host('a', server('v', VCPU=1, minutes=30))],
            request(VCPU=1),
            YOUNG_NEVER_GO,
            [('a', ['v'])],
        ),
        'by age, the one launched last goes first': (
            [
                full_host('a', server('old', VCPU=1, minutes=600)),
                full_host('b', server('new', VCPU=1, minutes=59)),
            ],
            request(VCPU=1),
            ONLY_AGE,
            [('b', ['new'])],
        ),
        'one that was never launched has nothing to lose': (
            [
                host('a', builders.unlaunched('v', VCPU=1), VCPU=1),
                full_host('b', server('w', VCPU=1, minutes=1)),
            ],
            request(VCPU=1),
            ONLY_AGE,
            [('a', ['v'])],
        ),
        'of two victims that cost the same the smaller one goes': (
            [full_host('a', server('large', VCPU=4), server('small', VCPU=2))],
            request(VCPU=2),
            builders.USUAL,
            [('a', ['small'])],
        ),
        'of two hosts where it costs the same less is freed in vain': (
            [
                full_host('a', server('large', VCPU=4)),
                full_host('b', server('small', VCPU=2), preference=9),
            ],
            request(VCPU=2),
            builders.USUAL,
            [('b', ['small'])],
        ),
        'what was not asked for counts as freed in vain too': (
            [
                host(
                    'a',
                    server('gold', VCPU=1, CUSTOM_GOLD=1),
                    server('iron', VCPU=1),
                    VCPU=2,
                    CUSTOM_GOLD=8,
                )
            ],
            request(VCPU=1),
            builders.USUAL,
            [('a', ['iron'])],
        ),
        'fewer victims count before what is freed in vain': (
            [
                full_host(
                    'a',
                    server('large', VCPU=9),
                    server('v', VCPU=1),
                    server('w', VCPU=1),
                )
            ],
            request(VCPU=2),
            builders.NO_COST,
            [('a', ['large'])],
        ),
        'where all is the same the smaller uuids go': (
            [full_host('a', *(server(name, VCPU=1) for name in 'wzvyx'))],
            request(VCPU=2),
            builders.USUAL,
            [('a', ['v', 'w'])],
        ),
    }
)
class CriteriaTest(testtools.TestCase):
    def check(self, hosts, request, its_cost, expected):
        plan = builders.make_plan(hosts, request, its_cost)
        self.assertEqual(expected, builders.placed(plan))


class ManyTest(testtools.TestCase):
    def test_more_than_are_placed_together_are_placed_all_the_same(self):
        names = ['p%02d' % number for number in range(40)]
        hosts = [
            full_host('h%02d' % n, server('v%02d' % n, minutes=n, VCPU=2))
            for n in range(25)
        ]
        plan = builders.make_plan(hosts, request(*names, VCPU=1))
        self.assertEqual(names, [one.preemptor for one in plan.nominations])
        self.assertEqual(
            ['v%02d' % n for n in range(20)],
            [one.uuid for _, one in plan.victims],
        )

    def test_more_than_are_placed_together_stay_together(self):
        names = ['p%02d' % number for number in range(20)]
        hosts = [
            full_host('a', server('v', VCPU=19)),
            full_host('b', server('w', VCPU=20, minutes=59)),
        ]
        plan = builders.make_plan(
            hosts, request(*names, VCPU=1), accepts=builders.together
        )
        self.assertEqual({'b'}, {one.provider for one in plan.nominations})

    def test_ties_are_broken_among_the_first_sixteen(self):
        hosts = [
            full_host('h%02d' % n, server('v%02d' % n, VCPU=1), preference=-n)
            for n in range(20)
        ]
        plan = builders.make_plan(hosts, request(VCPU=1))
        self.assertEqual([('h15', ['v15'])], builders.placed(plan))
