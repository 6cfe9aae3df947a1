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

"""Which servers take whose place, and which never do."""

from nova.db.main import api as main_db
from nova.tests.functional.api import client
from testtools import testcase

from opie.scheduler.preempting import eviction
from opie.tests.functional import base

_OTHER_PROJECT = '0123456789abcdef0123456789abcdef'


class PreemptionTest(base.CloudTestCase):
    @testcase.attr('smoke')
    def test_a_preemptor_takes_two_small_victims(self):
        full = self.boot(10, 'host1')
        small = [self.boot_preemptible(3, 'host2') for _ in range(2)]
        normal = self.boot(4, 'host2')
        preemptor = self.boot(5)
        self.assertEqual('host2', self.host_of(preemptor))
        self.assertGone(*small)
        self.assertUntouched(full, normal, preemptor)
        for _ in range(2):
            self.assertEqual(9, self.used_vcpus('host2'))
            self.assertEqual(10, self.used_vcpus('host1'))
            self.audit()
        self.assertNoJournal()

    def test_one_victim_is_cheaper_than_two(self):
        big = self.boot_preemptible(10, 'host1')
        small = [self.boot_preemptible(5, 'host2') for _ in range(2)]
        preemptor = self.boot(10)
        self.assertEqual('host1', self.host_of(preemptor))
        self.assertGone(big)
        self.assertUntouched(*small)

    def test_no_victims_when_there_is_room_anywhere(self):
        preemptibles = [
            self.boot_preemptible(10, 'host1'),
            self.boot_preemptible(5, 'host2'),
        ]
        preemptor = self.boot(5)
        self.assertEqual('host2', self.host_of(preemptor))
        self.assertUntouched(*preemptibles)


class OneHostTest(base.CloudTestCase):
    hosts = ('host1',)

    def client_of(self, project, *roles):
        """Return a client of nova's API for a user of some project."""
        theirs = client.TestOpenStackClient(
            'user', self.api.base_url, project_id=project, roles=roles
        )
        theirs.microversion = self.api.microversion
        return theirs

    def test_a_preemptible_request_never_preempts(self):
        victim = self.boot_preemptible(10)
        refused = self.boot_preemptible(1, state='ERROR')
        self.assertNoValidHost(refused)
        self.assertUntouched(victim)

    def test_a_request_with_a_preemptible_flavor_never_preempts(self):
        flavor = self.flavor(5, extra_specs={'opie:preemptible': 'True'})
        victims = [self.boot(flavor=flavor) for _ in range(2)]
        self.assertNoValidHost(self.boot(flavor=flavor, state='ERROR'))
        self.assertUntouched(*victims)

    def test_a_normal_server_is_never_a_victim(self):
        normal = [
            self.boot(5),
            self.boot(5, hints={'preemptible': 'false'}),
        ]
        self.assertNoValidHost(self.boot(1, state='ERROR'))
        self.assertUntouched(*normal)

    def test_metadata_and_tags_make_no_server_preemptible(self):
        normal = self.boot(
            10, metadata={'preemptible': 'true'}, tags=['preemptible']
        )
        self.assertNoValidHost(self.boot(1, state='ERROR'))
        self.assertUntouched(normal)

    def test_a_flavor_makes_its_servers_preemptible(self):
        flavor = self.flavor(10, extra_specs={'opie:preemptible': 'true'})
        victim = self.boot(flavor=flavor)
        preemptor = self.boot(5)
        self.assertGone(victim)
        self.assertUntouched(preemptor)

    def test_a_flavor_that_loses_its_mark_saves_its_servers(self):
        flavor = self.flavor(10, extra_specs={'opie:preemptible': 'true'})
        path = 'flavors/%s/os-extra_specs/opie:preemptible' % flavor
        saved = self.boot(flavor=flavor)
        self.api.api_delete('/' + path)
        self.assertNoValidHost(self.boot(1, state='ERROR'))
        self.assertUntouched(saved)
        # A server with another mark is a victim in any case.
        self.api.delete_server(saved['id'])
        self.wait_until_gone(saved)
        self.add_mark(flavor)
        hinted = self.boot_preemptible(flavor=flavor)
        self.api.api_delete('/' + path)
        self.assertUntouched(self.boot(1))
        self.assertGone(hinted)

    def test_a_mark_that_is_lost_after_the_plan_saves_a_server_as_well(self):
        flavor = self.flavor(5, extra_specs={'opie:preemptible': 'true'})
        path = 'flavors/%s/os-extra_specs/opie:preemptible' % flavor
        saved = self.boot(flavor=flavor)
        other = self.boot_preemptible(5)
        self.has_run(other, 3000)

        def run(real, attempt):
            if self.mark_of(flavor):
                self.api.api_delete('/' + path)
            return real(attempt)

        self.wrap(eviction.Eviction, 'run', run)
        self.assertUntouched(self.boot(5))
        self.assertGone(other)
        self.assertUntouched(saved)
        (line,) = self.logged('is void')
        self.assertIn('a flavor that makes it preemptible no more', line)

    def mark_of(self, flavor):
        return self.api.get_extra_specs(flavor).get('opie:preemptible')

    def test_the_last_word_of_a_flavor_that_was_deleted_counts(self):
        flavor = self.flavor(10, extra_specs={'opie:preemptible': 'true'})
        victim = self.boot(flavor=flavor)
        self.api.delete_flavor(flavor)
        self.assertUntouched(self.boot(1))
        self.assertGone(victim)

    def test_a_flavor_that_gains_a_mark_makes_no_victims(self):
        flavor = self.flavor(10)
        server = self.boot(flavor=flavor)
        self.add_mark(flavor)
        self.assertNoValidHost(self.boot(1, state='ERROR'))
        self.assertUntouched(server)

    def add_mark(self, flavor):
        self.api.post_extra_spec(
            flavor, {'extra_specs': {'opie:preemptible': 'true'}}
        )

    def test_patched_system_metadata_makes_a_server_preemptible(self):
        victim = self.boot(10)
        instance = self.instance(victim)
        instance.system_metadata['preemptible'] = 'True'
        instance.save()
        self.assertUntouched(self.boot(5))
        self.assertGone(victim)

    def test_a_json_true_is_a_mark(self):
        victim = self.boot(10, hints={'preemptible': True})
        self.assertUntouched(self.boot(5))
        self.assertGone(victim)

    def test_no_more_victims_than_needed(self):
        small = [self.boot_preemptible(2) for _ in range(5)]
        self.assertUntouched(self.boot(3))
        alive = [server for server in small if self.is_alive(server)]
        self.assertEqual(3, len(alive))
        self.assertUntouched(*alive)
        self.assertEqual(9, self.used_vcpus('host1'))

    def test_a_refused_preemptor_leaves_everything_as_it_was(self):
        victim, normal = self.boot_preemptible(4), self.boot(6)
        before = self._get_all_providers()
        self.assertNoValidHost(self.boot(5, state='ERROR'))
        self.assertUntouched(victim, normal)
        self.assertEqual(before, self._get_all_providers())
        (line,) = self.logged('No room is made for')
        self.assertIn(
            '1 of 1 hosts: not enough VCPU even without preemptible servers',
            line,
        )

    def test_a_refused_preemptor_has_the_fault_that_nova_gives(self):
        self.boot(10)
        # Moves and preemptible requests are nova's own business.
        by_nova = self.boot_preemptible(1, state='ERROR')
        by_opie = self.boot(1, state='ERROR')
        message = self.api.get_server(by_opie['id'])['fault']['message']
        self.assertEqual(
            self.api.get_server(by_nova['id'])['fault']['message'], message
        )

    def test_a_request_for_bare_metal_is_left_alone(self):
        victim = self.boot_preemptible(10)
        self.placement.put(
            '/resource_classes/CUSTOM_BAREMETAL', None, version='1.7'
        )
        specs = {'resources:VCPU': '0', 'resources:CUSTOM_BAREMETAL': '1'}
        flavor = self.flavor(1, extra_specs=specs)
        self.assertNoValidHost(self.boot(flavor=flavor, state='ERROR'))
        self.assertUntouched(victim)
        (line,) = self.logged('No room is made for')
        self.assertIn('as requests for bare metal do', line)

    def test_no_server_goes_for_devices_that_no_host_has(self):
        victim = self.boot_preemptible(10)
        flavor = self.flavor(1, extra_specs={'resources1:VGPU': '1'})
        self.assertNoValidHost(self.boot(flavor=flavor, state='ERROR'))
        self.assertUntouched(victim)
        # What was read the first time is remembered.
        self.assertNoValidHost(self.boot(flavor=flavor, state='ERROR'))
        for line in self.logged('No room is made for'):
            self.assertIn('1 of 1 hosts: no inventory of VGPU;', line)

    @testcase.attr('smoke')
    def test_the_actions_of_a_victim_name_no_other_user(self):
        """The preemptor is named neither to the owner nor in the record."""
        victim = self.boot_preemptible(10)
        in_its_cell = self.instance(victim)._context
        owners = self.client_of(self.api.project_id, 'reader', 'member')
        self.api = self.client_of(_OTHER_PROJECT, 'reader', 'member', 'admin')
        preemptor = self.boot(5)
        self.assertUntouched(preemptor)
        theirs = self.api.get_instance_actions(preemptor['id'])
        (create,) = [item for item in theirs if item['action'] == 'create']
        self.assertEqual(_OTHER_PROJECT, create['project_id'])
        told = owners.get_instance_actions(victim['id'])
        records = [
            dict(record)
            for record in main_db.actions_get(in_its_cell, victim['id'])
        ]
        for action in ('preempt', 'delete'):
            for actions in (told, records):
                (one,) = [item for item in actions if item['action'] == action]
                self.assertIsNone(one['user_id'])
                self.assertIsNone(one['project_id'])
                self.assertNotEqual(create['request_id'], one['request_id'])
        for text in (str(told), str(records)):
            for word in (
                preemptor['id'],
                _OTHER_PROJECT,
                create['request_id'],
            ):
                self.assertNotIn(word, text)

    def test_a_rescued_and_a_paused_server_are_victims(self):
        victims = [self.boot_preemptible(5) for _ in range(2)]
        self.api.post_server_action(victims[0]['id'], {'rescue': {}})
        self.api.post_server_action(victims[1]['id'], {'pause': None})
        self._wait_for_state_change(victims[0], 'RESCUE')
        self._wait_for_state_change(victims[1], 'PAUSED')
        self.assertUntouched(self.boot(10))
        self.assertGone(*victims)


class DryRunTest(base.CloudTestCase):
    hosts = ('host1',)

    def configure(self):
        self.flags(dry_run=True, group='opie')

    def test_a_dry_run_touches_nothing_and_says_what_it_would_do(self):
        victim = self.boot_preemptible(10)
        before = self._get_all_providers()
        refused = self.boot(5, state='ERROR')
        self.assertNoValidHost(refused)
        self.assertUntouched(victim)
        self.assertEqual(before, self._get_all_providers())
        (line,) = self.logged('Dry run: would place')
        self.assertIn(refused['id'], line)
        self.assertIn('host1', line)
        self.assertIn(victim['id'], line)


class ResizedVictimTest(base.CloudTestCase):
    def configure(self):
        self.flags(allow_resize_to_same_host=False)

    def test_a_server_whose_resize_is_unconfirmed_is_a_victim(self):
        blocker = self.boot(1, 'host2')
        victim = self.boot_preemptible(5, 'host1')
        self.api.post_server_action(
            victim['id'], {'resize': {'flavorRef': self.flavor(9)}}
        )
        self._wait_for_state_change(victim, 'VERIFY_RESIZE')
        self.assertEqual('host2', self.host_of(victim))
        full = self.boot(5, 'host1')
        preemptor = self.boot(9)
        self.assertEqual('host2', self.host_of(preemptor))
        self.assertGone(victim)
        self.assertUntouched(blocker, full, preemptor)
        for _ in range(2):
            self.assertEqual(5, self.used_vcpus('host1'))
            self.assertEqual(10, self.used_vcpus('host2'))
            self.audit()
