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

"""Changes to a victim between the death of a scheduler and the repair."""

from opie.tests.functional import audits
from opie.tests.functional import base
from opie.tests.interruptions import crash_points
from opie.tests.interruptions import scenarios


class Abandoned:
    """A user or nova acts on a victim whose scheduler has died.

    :cvar is_emptied: whether it is the victim of which all was taken.
    """

    is_emptied = True

    def setUp(self):
        super().setUp()
        self.have(scenarios.Scenario.servers)
        victims = self.preemptible()
        (self.normal,) = [
            server
            for server in self._servers.values()
            if server not in victims
        ]
        self.interrupt(
            scenarios.Scenario(self),
            lambda point: point.call.step == 'checks the victims',
        )
        self.assertEqual(10, self.used_by_preemptor())
        provider = self._get_provider_uuid_by_host('host1')
        # Each has a disk of 1 GB, and so has the preemptor.
        (emptied,) = [
            victim
            for victim in victims
            if provider not in self.allocations(victim)
        ]
        (other,) = [victim for victim in victims if victim is not emptied]
        self.victim, self.other = (
            (emptied, other) if self.is_emptied else (other, emptied)
        )

    def used_by_preemptor(self):
        (preemptor,) = [
            server
            for server in self.api.get_servers()
            if server['name'] == 'preemptor'
        ]
        return sum(
            held['resources'].get('VCPU', 0)
            for held in self.allocations(preemptor).values()
        )

    def assertRecovered(self):
        self.recover()
        self.assertUntouched(self.victim, self.other)

    def migrate(self):
        self.delete(self.normal)
        self._migrate_server(self.victim)
        self.assertEqual('host2', self.host_of(self.victim))

    def test_it_is_migrated(self):
        self.migrate()
        self._confirm_resize(self.victim)
        self.assertRecovered()

    def test_it_is_migrated_and_is_back(self):
        self.migrate()
        self._revert_resize(self.victim)
        self.assertRecovered()

    def test_it_is_amid_a_migration_that_is_confirmed(self):
        self.migrate()
        self.recover()
        self._confirm_resize(self.victim)
        self.assertRecovered()

    def test_it_is_amid_a_migration_that_is_reverted(self):
        """The migration has got back what the victim needs now."""
        self.migrate()
        self.recover()
        self._revert_resize(self.victim)
        self.assertRecovered()

    def test_it_is_shelved(self):
        self.flags(shelved_offload_time=0)
        self._shelve_server(self.victim)
        self.recover()
        self._unshelve_server(self.victim)
        self.assertRecovered()

    def test_it_is_shelved_and_is_back(self):
        """It finds room elsewhere, because its own is the preemptor's."""
        self.flags(shelved_offload_time=0)
        self.delete(self.normal)
        self._shelve_server(self.victim)
        self._unshelve_server(self.victim)
        self.assertEqual('host2', self.host_of(self.victim))
        self.assertRecovered()

    def test_an_audit_drops_the_claim(self):
        """The victims' entries stay, which is enough for the repair."""
        self.assertIn('Deleted', audits.audit_and_delete())
        self.assertEqual(0, self.used_by_preemptor())
        self.assertRecovered()
        self.assertFalse(self.logged('Wasted'))


class EmptiedTest(Abandoned, crash_points.CrashMixin, base.CloudTestCase):
    is_emptied = True


class ShrunkTest(Abandoned, crash_points.CrashMixin, base.CloudTestCase):
    is_emptied = False
