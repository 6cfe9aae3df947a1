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

"""Filters are asked as often as victims can change their answer."""

import logging
import types

from nova import objects
import nova.conf
from nova.scheduler import filters
from nova.scheduler.filters import affinity_filter
from nova.scheduler.filters import compute_capabilities_filter
from nova.scheduler.filters import num_instances_filter
import testtools

from opie.scheduler import host_manager
from opie.scheduler import host_state
from opie.scheduler.planning import host_filters
from opie.tests.unit.planning import test_protection

CONF = nova.conf.CONF
objects.register_all()

_SERVERS = ('one', 'two', 'three')


class OwnFilter(filters.BaseHostFilter):
    """An operator's filter, which finds what it wants in its own way."""

    def host_passes(self, host_state, spec):
        return vars(host_state)['num_instances'] < 1


class OwnOrderFilter(filters.BaseHostFilter):
    """An operator's filter, which lets the host with fewest servers pass."""

    def filter_all(self, states, spec):
        return sorted(states, key=lambda one: one.num_instances)[:1]


class Numbers(num_instances_filter.NumInstancesFilter):
    """nova's filter as an operator has changed it."""


class HostFiltersCase(testtools.TestCase):
    """A host with three preemptible servers, which may all go."""

    def setUp(self):
        super().setUp()
        self.states = {'a': self.state('a')}
        self.made = []
        self.flavor = objects.Flavor(extra_specs={})
        self.hints = {}
        self.manager = host_manager.HostManager.__new__(
            host_manager.HostManager
        )
        self.worker = types.SimpleNamespace(
            host_manager=self.manager,
            servicegroup=types.SimpleNamespace(
                service_is_up=lambda service: True
            ),
        )

    def state(self, name, servers=_SERVERS):
        state = host_state.HostState('host-' + name, 'node', 'cell')
        state.uuid, state.service, state.stats = name, {}, {}
        state.free_ram_mb = 10
        state.instances = dict.fromkeys(servers)
        state.num_instances = len(servers)
        state.preemptibles = tuple(
            test_protection.server(uuid=uuid, memory_mb=100)
            for uuid in servers
        )
        return state

    def allow_servers(self, number):
        CONF.set_override('max_instances_per_host', number, 'filter_scheduler')
        self.addCleanup(
            CONF.clear_override, 'max_instances_per_host', 'filter_scheduler'
        )

    def spec(self):
        return objects.RequestSpec(
            flavor=self.flavor,
            ignore_hosts=None,
            force_hosts=None,
            force_nodes=None,
            requested_destination=None,
            scheduler_hints=self.hints,
        )

    def without(self, uuid, number):
        self.made.append(number)
        return self.states[uuid].without(_SERVERS[:number])


class WhyUnfitTest(HostFiltersCase):
    def why_unfit(self, *enabled, first=''):
        self.manager.enabled_filters = [one() for one in enabled]
        return host_filters.why_unfit(
            self.worker,
            self.spec(),
            self.states,
            lambda uuid: [],
            lambda uuid: self.without(uuid, len(_SERVERS)),
            lambda uuid: self.without(uuid, 0),
            first,
        )

    def want(self, **capabilities):
        self.flavor.extra_specs = {
            'capabilities:' + name: value
            for name, value in capabilities.items()
        }

    def test_what_a_host_is_costs_no_copy_of_its_state(self):
        self.want(hypervisor_type='another')
        self.assertEqual(
            {'a': 'ComputeCapabilitiesFilter'},
            self.why_unfit(
                compute_capabilities_filter.ComputeCapabilitiesFilter
            ),
        )
        self.assertEqual([], self.made)

    def test_the_same_filter_may_look_at_what_victims_change(self):
        self.want(free_ram_mb='>= 300')
        found = self.why_unfit(
            compute_capabilities_filter.ComputeCapabilitiesFilter
        )
        self.assertEqual(({}, [3]), (found, self.made))

    def test_a_server_that_must_stay_is_looked_for_on_the_host_as_it_is(self):
        self.hints = {'same_host': ['two']}
        found = self.why_unfit(affinity_filter.SameHostFilter)
        self.assertEqual(({}, [3, 0]), (found, self.made))

    def test_a_server_that_is_nowhere(self):
        self.hints = {'same_host': ['another']}
        self.assertEqual(
            {'a': 'SameHostFilter'},
            self.why_unfit(affinity_filter.SameHostFilter),
        )

    def test_an_earlier_filter_that_has_read_something_decides_nothing(self):
        self.hints = {'different_host': ['another']}
        self.want(hypervisor_type='another')
        self.assertEqual(
            {'a': 'ComputeCapabilitiesFilter'},
            self.why_unfit(
                affinity_filter.DifferentHostFilter,
                compute_capabilities_filter.ComputeCapabilitiesFilter,
            ),
        )

    def test_the_filter_that_has_refused_others_is_asked_first(self):
        self.hints = {'different_host': ['one']}
        self.want(hypervisor_type='another')
        self.why_unfit(
            affinity_filter.DifferentHostFilter,
            compute_capabilities_filter.ComputeCapabilitiesFilter,
            first='ComputeCapabilitiesFilter',
        )
        self.assertEqual([], self.made)

    def test_an_own_filter_gets_whole_states(self):
        self.assertEqual({}, self.why_unfit(OwnFilter))
        self.assertEqual({}, self.why_unfit(OwnOrderFilter))
        self.states['a'].preemptibles = ()
        self.assertEqual({'a': 'OwnFilter'}, self.why_unfit(OwnFilter))


class WithTooFewGoneTest(HostFiltersCase):
    def found(self, *enabled, most=2):
        self.manager.enabled_filters = [one() for one in enabled]
        return host_filters.with_too_few_gone(
            self.manager,
            self.spec(),
            self.states,
            dict.fromkeys(self.states, most),
            self.without,
        )

    def test_a_number_of_servers_that_so_few_victims_do_not_reach(self):
        self.allow_servers(1)
        numbers = num_instances_filter.NumInstancesFilter
        self.assertEqual({'a'}, self.found(numbers))
        self.assertEqual(set(), self.found(numbers, most=3))

    def test_each_host_by_itself(self):
        self.allow_servers(1)
        self.states['b'] = self.state('b', _SERVERS[:2])
        self.assertEqual(
            {'a'}, self.found(num_instances_filter.NumInstancesFilter)
        )

    def test_a_log_of_all_details_changes_nothing(self):
        self.allow_servers(1)
        log = logging.getLogger('nova')
        self.addCleanup(log.setLevel, log.level)
        log.setLevel(logging.DEBUG)
        self.assertEqual(
            {'a'}, self.found(num_instances_filter.NumInstancesFilter)
        )

    def test_filters_that_look_at_more_may_accept_other_victims(self):
        self.hints = {'different_host': ['three']}
        self.assertEqual(
            set(), self.found(affinity_filter.DifferentHostFilter)
        )

    def test_own_filters_may_accept_other_victims(self):
        self.allow_servers(1)
        for own in (OwnFilter, Numbers):
            self.assertEqual(set(), self.found(own))
