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

"""A compute service stops, or is disabled, once evictions are under way."""

from nova import exception

from opie.scheduler.preempting import eviction
from opie.scheduler.preempting import victim_checks
from opie.tests.functional import base
from opie.tests.functional import meanwhile


class ServicesTest(meanwhile.MeanwhileMixin, base.CloudTestCase):
    """Two victims of 5 on one host; a preemptor of 10 needs both."""

    hosts = ('host1',)

    def setUp(self):
        super().setUp()
        self.victims = [self.boot_preemptible(5) for _ in range(2)]
        (service,) = self.api.get_services('nova-compute', 'host1')
        self.service_id = service['id']

    def disable(self):
        self.api.put_service(self.service_id, {'status': 'disabled'})

    def take_down(self):
        self.api.put_service_force_down(self.service_id, True)

    def between_evictions(self, action):
        """Do something when one victim of two was sent away."""
        sent = []

        def evict(real, work, *args):
            if len(work._attempt.sent) == 1 and not sent:
                sent.extend(work._attempt.sent)
                action()
            return real(work, *args)

        self.wrap(eviction.Eviction, '_evict', evict)
        return sent

    def assertRefused(self, number_wasted):
        preemptor = self.boot(10, state='ERROR')
        self.assertNoValidHost(preemptor)
        (line,) = self.logged('is void')
        self.assertIn('the compute service of host1 is down', line)
        # The next plan finds no other host.
        (line,) = self.logged('No room is made for %s' % preemptor['id'])
        self.assertIn('1 of 1 hosts: ComputeFilter', line)
        self.assertTrue(
            self.logged('Wasted evictions: %d for' % number_wasted)
        )

    def test_disabled_between_two_evictions_is_too_late(self):
        """nova lets a server arrive whose host was selected before that."""
        sent = self.between_evictions(self.disable)
        preemptor = self.boot(10)
        self.assertEqual(1, len(sent))
        self.assertGone(*self.victims)
        self.assertUntouched(preemptor)
        self.assertFalse(self.logged('Wasted'))
        self.assertSound()

    def test_down_between_two_evictions_keeps_the_second(self):
        """nova would delete its record and leave its guest running."""
        sent = self.between_evictions(self.take_down)
        self.assertRefused(1)
        (survivor,) = [
            victim for victim in self.victims if victim['id'] not in sent
        ]
        self.victims.remove(survivor)
        for victim in self.victims:
            self.wait_until_gone(victim)
        self.assertGone(*self.victims)
        self.assertUntouched(survivor)
        self.assertEqual(5, self.used_vcpus('host1'))
        self.assertSound()

    def test_one_that_cannot_be_asked_any_more_is_named(self):
        """The victims are gone, so the preemptor gets its room."""

        def fail(real, checks, host, *args, **kwargs):
            if kwargs:
                raise exception.NovaException('the database is away')
            return real(checks, host, *args)

        self.wrap(victim_checks.VictimChecks, 'check_service', fail)
        self.assertUntouched(self.boot(10))
        self.assertTrue(self.logged('Cannot see whether host1 is up.'))
        self.assertSound()

    def test_down_while_victims_go_gives_no_room(self):
        """Their records may have gone without their guests."""
        self.meanwhile(meanwhile.WHILE_VICTIMS_GO, self.take_down)
        self.assertRefused(2)
        self.assertGone(*self.victims)
        self.assertEqual(0, self.used_vcpus('host1'))
        self.assertSound()
