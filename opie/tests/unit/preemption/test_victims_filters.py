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


"""The victims on one host, where filters want more servers gone."""

import random

import testtools

from opie.preemption import cost
from opie.preemption import model
from opie.tests.unit.preemption import builders
from opie.tests.unit.preemption import oracle

host = builders.host
server = builders.server


def names_of(servers):
    return [one.uuid for one in servers]


def must_go(*uuids):
    """Be a filter that refuses while any of these servers stays."""

    def passes(servers):
        missing = set(uuids) - set(names_of(servers))
        return 'stays: ' + ', '.join(sorted(missing)) if missing else None

    return passes


def one_must_stay(*uuids):
    """Be a filter that refuses when all of these servers are gone."""

    def passes(servers):
        return 'gone' if set(uuids) <= set(names_of(servers)) else None

    return passes


def x_must_go_and_v_stays_only_beside_w(servers):
    gone = set(names_of(servers))
    return None if 'x' in gone and ('v' in gone or 'w' not in gone) else 'no'


def full_host(*names):
    """Return a host full of servers that hold one core each."""
    servers = [server(name, VCPU=1) for name in names]
    return host('a', *servers, VCPU=len(servers))


@builders.scenarios(
    {
        'a member of the group goes although others would do': (
            full_host('v', 'w', 'x'),
            must_go('x'),
            ['x'],
        ),
        'a server goes for a filter although there is room': (
            host('a', server('v', VCPU=1), server('w', VCPU=1), VCPU=8),
            must_go('w'),
            ['w'],
        ),
        'a filter and the room may need different servers': (
            host(
                'a',
                server('group', VCPU=1),
                server('large', VCPU=2),
                VCPU=3,
            ),
            must_go('group'),
            ['group', 'large'],
            3,
        ),
        'the member of an affinity group stays': (
            full_host('v', 'w'),
            one_must_stay('v'),
            ['w'],
        ),
        'one member of an affinity group may go': (
            full_host('v', 'w', 'x'),
            one_must_stay('v', 'w'),
            ['v', 'x'],
            2,
        ),
        'which member may go does not depend on the order of the input': (
            full_host('x', 'w', 'v'),
            one_must_stay('v', 'w'),
            ['v', 'x'],
            2,
        ),
        'no server goes from a host that passes as it is': (
            host('a', server('v', VCPU=1), server('w', VCPU=1), VCPU=8),
            lambda servers: 'a server is gone' if servers else None,
            [],
        ),
        'a server that stays only beside another stays after it': (
            host('a', *(server(name, VCPU=1) for name in 'vwx'), VCPU=8),
            x_must_go_and_v_stays_only_beside_w,
            ['x'],
        ),
    }
)
class FiltersTest(testtools.TestCase):
    def check(self, host, passes, expected, cores=1):
        chosen = builders.choose_victims(host, {'VCPU': cores}, passes)
        self.assertEqual(expected, names_of(chosen))


class NumberTest(testtools.TestCase):
    """A filter that wants a number of servers gone, any of them."""

    def ask(self, servers, number, cores):
        """Return the victims, and how often the filter was asked."""
        asked = []

        def passes(gone):
            asked.append(gone)
            return 'too many stay' if len(gone) < number else None

        crowded = host(
            'a', *servers, VCPU=sum(s.held['VCPU'] for s in servers)
        )
        chosen = builders.choose_victims(crowded, {'VCPU': cores}, passes)
        return chosen, len(asked)

    def test_the_cheapest_so_many_go(self):
        for seed in range(20):
            numbers = random.Random(seed)
            servers = [
                server(
                    'v%02d' % index,
                    minutes=numbers.randrange(60),
                    VCPU=numbers.choice((1, 2, 4)),
                )
                for index in range(10)
            ]
            chosen, _ = self.ask(servers, 6, 12)
            least = min(
                cost.Cost().cost_of_all(some)
                for some in oracle.subsets(servers)
                if len(some) >= 6 and oracle.held_by(some, 'VCPU') >= 12
            )
            self.assertEqual(least, cost.Cost().cost_of_all(chosen), seed)

    def test_it_is_asked_no_more_often_than_there_are_servers_or_little(self):
        servers = [
            server('v%02d' % index, minutes=index % 60, VCPU=1)
            for index in range(80)
        ]
        chosen, questions = self.ask(servers, 40, 1)
        self.assertEqual(40, len(chosen))
        self.assertLess(questions, 4 * len(servers))


class FilterRefusalTest(testtools.TestCase):
    def test_the_reason_is_that_of_the_filters_with_all_servers_gone(self):
        refusal = builders.choose_victims(
            full_host('v', 'w'),
            {'VCPU': 1},
            lambda servers: '%d gone' % len(servers),
        )
        self.assertEqual(model.Unfit('2 gone'), refusal)

    def test_room_is_missing_when_the_one_that_must_stay_holds_it(self):
        refusal = builders.choose_victims(
            full_host('v'), {'VCPU': 1}, one_must_stay('v')
        )
        self.assertEqual(model.Unfit('gone'), refusal)
