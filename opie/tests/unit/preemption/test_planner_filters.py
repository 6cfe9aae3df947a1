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


"""Plans keep to the cloud's own filters."""

import testtools

from opie.tests.unit.preemption import builders

host = builders.host
request = builders.request
server = builders.server


def one_core_each(uuid, *names, **fields):
    """Return a host full of servers that hold one core each."""
    servers = [server(name, VCPU=1) for name in names]
    return host(uuid, *servers, VCPU=len(servers), **fields)


def refuse(*hosts):
    """Be a filter that refuses some hosts."""

    def accepts(host, gone, nominations):
        return 'refused' if host in hosts else None

    return accepts


def must_go(*uuids, on):
    """Be a filter that wants some servers gone from one host."""

    def accepts(host, gone, nominations):
        return 'group' if host == on and not set(uuids) <= gone else None

    return accepts


def one_must_stay(*uuids):
    """Be a filter that wants one of some servers to stay where it is."""

    def accepts(host, gone, nominations):
        return 'affinity' if set(uuids) <= gone else None

    return accepts


@builders.scenarios(
    {
        'a refused host with room is no host with room': (
            [host('a', VCPU=1), one_core_each('b', 'v')],
            refuse('a'),
            [('b', ['v'])],
        ),
        'a member of the group is the victim': (
            [one_core_each('a', 'v', 'member')],
            must_go('member', on='a'),
            [('a', ['member'])],
        ),
        'a host where no server has to go wins over a group with room': (
            [host('a', server('member', VCPU=1), VCPU=8), host('b', VCPU=1)],
            must_go('member', on='a'),
            [('b', [])],
        ),
        'what the filters add makes another host the cheaper one': (
            [
                one_core_each('a', 'v', 'w', 'x'),
                one_core_each('b', 'y', preference=1),
            ],
            must_go('w', 'x', on='a'),
            [('b', ['y'])],
        ),
        'what the filters add is still less than elsewhere': (
            [
                one_core_each('a', 'v', 'member'),
                host('b', server('y', VCPU=1, minutes=59), VCPU=1),
            ],
            must_go('member', on='a'),
            [('a', ['member'])],
        ),
        'the last member of an affinity group stays': (
            [one_core_each('a', 'member', 'v')],
            one_must_stay('member'),
            [('a', ['v'])],
        ),
        'an affinity group that fills its host leaves no room': (
            [one_core_each('a', 'member')],
            one_must_stay('member'),
            [],
        ),
    }
)
class OnePreemptorTest(testtools.TestCase):
    def check(self, hosts, accepts, expected):
        plan = builders.make_plan(hosts, request(VCPU=1), accepts=accepts)
        self.assertEqual(expected, builders.placed(plan))


@builders.scenarios(
    {
        'preemptors that keep apart go to different hosts': (
            [host('a', VCPU=8), one_core_each('b', 'v')],
            builders.apart,
            [('a', []), ('b', ['v'])],
        ),
        'too few hosts for preemptors that keep apart': (
            [host('a', VCPU=8)],
            builders.apart,
            [],
        ),
        'preemptors that stay together leave the cheapest host': (
            [host('a', VCPU=1), one_core_each('b', 'v', 'w')],
            builders.together,
            [('b', ['v', 'w']), ('b', [])],
        ),
        'no host is large enough for both': (
            [host('a', VCPU=1), one_core_each('b', 'v')],
            builders.together,
            [],
        ),
        'together they take the cheaper of two hosts': (
            [
                host('a', VCPU=1),
                one_core_each('b', 'v', 'w'),
                host('c', server('x', VCPU=2), VCPU=2),
            ],
            builders.together,
            [('c', ['x']), ('c', [])],
        ),
        'together they take the host that the cloud prefers': (
            [
                host('a', VCPU=1),
                one_core_each('b', 'v', 'w', preference=2),
                one_core_each('c', 'x', 'y', preference=1),
            ],
            builders.together,
            [('c', ['x', 'y']), ('c', [])],
        ),
        'together they take a host with room with multipliers below zero': (
            [
                host('a', VCPU=1),
                one_core_each('b', 'v', 'w'),
                host('c', VCPU=2, preference=1),
            ],
            builders.together,
            [('c', []), ('c', [])],
            builders.BELOW_ZERO,
        ),
        'together they take fewer victims where victims cost nothing': (
            [
                host('a', VCPU=1),
                one_core_each('b', 'v', 'w'),
                host('c', server('x', VCPU=2), VCPU=2),
            ],
            builders.together,
            [('c', ['x']), ('c', [])],
            builders.NO_COST,
        ),
    }
)
class TwoPreemptorsTest(testtools.TestCase):
    def check(self, hosts, accepts, expected, *its_cost):
        plan = builders.make_plan(
            hosts, request('p', 'q', VCPU=1), *its_cost, accepts=accepts
        )
        self.assertEqual(expected, builders.placed(plan))


class ReasonsTest(testtools.TestCase):
    def test_a_host_full_after_the_first_preemptor_has_no_reason(self):
        plan = builders.make_plan(
            [host('a', VCPU=1), host('b', VCPU=1), host('c', DISK_GB=1)],
            request('p', 'q', VCPU=1),
        )
        self.assertEqual({'c': 'no inventory of VCPU'}, plan.reasons)

    def test_a_host_refused_to_the_second_preemptor_has_no_reason(self):
        plan = builders.make_plan(
            [host('a', VCPU=8), one_core_each('b', 'v')],
            request('p', 'q', VCPU=1),
            accepts=builders.apart,
        )
        self.assertTrue(plan.is_feasible)
        self.assertEqual({}, plan.reasons)


class QuestionsTest(testtools.TestCase):
    """What the filters are asked."""

    def questions(self, hosts, request, answer=None):
        asked = []

        def accepts(host, gone, nominations):
            asked.append((host, gone, [one.preemptor for one in nominations]))
            return answer

        builders.make_plan(hosts, request, accepts=accepts)
        return asked

    def test_the_chosen_plan_is_the_only_one_asked_about(self):
        hosts = [
            one_core_each('a', 'v', 'w'),
            host('b', server('x', VCPU=1, minutes=59), VCPU=1),
        ]
        self.assertEqual(
            [('a', frozenset('v'), [])],
            self.questions(hosts, request(VCPU=1)),
        )

    def test_a_host_without_the_resources_is_not_asked_about(self):
        hosts = [host('a', busy={'VCPU': 1}, VCPU=1)]
        self.assertEqual([], self.questions(hosts, request(VCPU=1), 'no'))

    def test_the_second_preemptor_counts_the_first_and_all_victims(self):
        self.assertEqual(
            [
                ('a', frozenset(('v', 'w')), []),
                ('a', frozenset(('v', 'w')), ['p']),
            ],
            self.questions(
                [one_core_each('a', 'v', 'w')], request('p', 'q', VCPU=1)
            ),
        )

    def test_hosts_are_asked_about_alone_and_then_in_their_turn(self):
        self.assertEqual(
            [
                ('a', frozenset('v'), []),
                ('b', frozenset('w'), []),
                ('a', frozenset('v'), []),
                ('b', frozenset('w'), ['p']),
            ],
            self.questions(
                [one_core_each('a', 'v'), one_core_each('b', 'w')],
                request('p', 'q', VCPU=1),
            ),
        )
