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


"""Hosts and victims that change while a preemption is under way.

Each change is made at a moment that the test chooses.
"""

from opie.tests.functional import meanwhile
from opie.tests.functional import test_hosts
from opie.tests.functional import two_schedulers


class HostChangesTest(meanwhile.MeanwhileMixin, test_hosts.CheapAndDearCase):
    """A preemptor that may use both hosts, of which one changes."""

    def setUp(self):
        super().setUp()
        self.fill()

    def assertReplanned(self, reason, **kwargs):
        self.assertDearChosen(self.boot(10, **kwargs))
        (line,) = self.logged('is void')
        self.assertIn(reason, line)
        self.assertSound()

    def fast_flavor(self):
        """Return a flavor that needs a trait, which both hosts have."""
        self._create_trait('CUSTOM_FAST')
        for host in self.hosts:
            self.set_traits(host, lambda traits: traits | {'CUSTOM_FAST'})
        return self.flavor(10, extra_specs={'trait:CUSTOM_FAST': 'required'})

    def set_traits(self, host, change):
        provider = self._get_provider_uuid_by_host(host)
        traits = change(set(self._get_provider_traits(provider)))
        self._set_provider_traits(provider, sorted(traits))

    def slow_down(self):
        self.set_traits('host1', lambda traits: traits - {'CUSTOM_FAST'})

    def test_it_loses_a_trait_before_the_claim(self):
        flavor = self.fast_flavor()
        self.meanwhile(meanwhile.BEFORE_CLAIM, self.slow_down)
        self.assertReplanned('does not match', flavor=flavor)

    def test_it_leaves_an_aggregate_before_the_claim(self):
        self.flags(
            limit_tenants_to_placement_aggregate=True, group='scheduler'
        )
        aggregate = self._create_aggregate('mine')
        for host in self.hosts:
            self.api.add_host_to_aggregate(aggregate, host)
        tenant = {'filter_tenant_id': self.api.project_id}
        self.api.post_aggregate_action(
            aggregate, {'set_metadata': {'metadata': tenant}}
        )
        self.meanwhile(
            meanwhile.BEFORE_CLAIM,
            lambda: self.api.post_aggregate_action(
                aggregate, {'remove_host': {'host': 'host1'}}
            ),
        )
        self.assertReplanned('does not match')

    def shrink(self):
        self._reserve_placement_resource('host1', 'VCPU', 2)

    def test_it_shrinks_before_the_claim(self):
        self.meanwhile(meanwhile.BEFORE_CLAIM, self.shrink)
        self.assertDearChosen(self.boot(10))
        self._reserve_placement_resource('host1', 'VCPU', 0)
        self.assertSound()

    def disable(self):
        (service,) = self.api.get_services('nova-compute', 'host1')
        self.api.put_service(service['id'], {'status': 'disabled'})

    def test_it_is_disabled_before_the_claim(self):
        self.meanwhile(meanwhile.BEFORE_CLAIM, self.disable)
        self.assertReplanned('does not match')

    def test_it_is_disabled_before_the_eviction(self):
        self.meanwhile(meanwhile.BEFORE_EVICTION, self.disable)
        self.assertReplanned('the compute service of host1 is disabled')

    def test_others_change_once_it_is_verified(self):
        """The change comes too late, as it does once nova has answered."""
        flavor = self.fast_flavor()

        def change():
            self.slow_down()
            self.shrink()

        self.meanwhile(meanwhile.BEFORE_EVICTION, change)
        self.assertCheapChosen(self.boot(flavor=flavor))
        self.assertFalse(self.logged('is void'))
        self._reserve_placement_resource('host1', 'VCPU', 0)
        self.assertSound()


class TwoSchedulersTest(
    meanwhile.MeanwhileMixin,
    two_schedulers.TwoSchedulersMixin,
    test_hosts.CheapAndDearCase,
):
    """Two scheduler services, each of which gets one of two requests."""

    def setUp(self):
        super().setUp()
        self.fill()
        self.start_second_scheduler()
        self.chosen = self.let_both_plan_before_one_claims()

    def test_the_one_that_is_late_takes_other_victims(self):
        flavor = self.flavor(10)
        preemptors = [self.boot(flavor=flavor, state=None) for _ in '12']
        for preemptor in preemptors:
            self._wait_for_state_change(preemptor, 'ACTIVE')
        cheap, dear = {self.cheap['id']}, {item['id'] for item in self.dear}
        self.assertEqual([cheap, cheap, dear], self.chosen)
        self.assertGone(self.cheap, *self.dear)
        self.assertUntouched(*preemptors)
        self.assertFalse(self.logged('Wasted'))
        self.assertSound()
