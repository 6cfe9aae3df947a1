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

"""A request that tolerates a little more cost than the least one."""

import dataclasses

import testtools

from opie.tests.unit.preemption import builders

# A preemptor of a core, which tolerates a tenth more than the least cost.
_REQUEST = dataclasses.replace(builders.request(VCPU=1), tolerance=0.1)


def full_host(uuid, minutes, preference):
    """Return a host full of one server that has run for some minutes."""
    server = builders.server('on ' + uuid, minutes, VCPU=1)
    return builders.host(uuid, server, VCPU=1, preference=preference)


class ToleranceTest(testtools.TestCase):
    def chosen(self, *hosts, request=_REQUEST):
        self.cloud = builders.FakeCloud(
            {one.provider: one for one in hosts}, builders.accept_all
        )
        plan = builders.planner.make_plan(
            request, hosts, builders.USUAL, self.cloud
        )
        return plan.nominations[0].provider

    def test_a_preferred_host_that_costs_little_more_is_taken(self):
        hosts = full_host('cheap', 10, 1), full_host('own', 12, 0)
        self.assertEqual('own', self.chosen(*hosts))

    def test_one_that_costs_much_more_is_not(self):
        hosts = full_host('cheap', 10, 1), full_host('own', 50, 0)
        self.assertEqual('cheap', self.chosen(*hosts))

    def test_of_those_that_are_preferred_the_cheapest_is_taken(self):
        hosts = [
            full_host(name, minutes, 0)
            for name, minutes in (('a', 13), ('b', 11), ('c', 12))
        ]
        self.assertEqual('b', self.chosen(full_host('d', 10, 1), *hosts))

    def test_a_host_with_room_is_taken_whatever_is_preferred(self):
        room = builders.host('room', VCPU=1, preference=1)
        self.assertEqual('room', self.chosen(room, full_host('own', 0, 0)))

    def test_without_tolerance_the_cheapest_is_taken(self):
        hosts = full_host('cheap', 10, 1), full_host('own', 12, 0)
        self.assertEqual(
            'cheap', self.chosen(*hosts, request=builders.request(VCPU=1))
        )

    def test_a_preferred_host_that_is_dearer_than_it_seems_is_not(self):
        """Its cheap server is a victim of others by now."""
        seen = full_host('own', 11, 0)
        now = full_host('own', 55, 0)
        cheap = full_host('cheap', 10, 1)
        cloud = builders.FakeCloud(
            {'own': now, 'cheap': cheap}, builders.accept_all
        )
        plan = builders.planner.make_plan(
            _REQUEST, [seen, cheap], builders.USUAL, cloud
        )
        self.assertEqual('cheap', plan.nominations[0].provider)
