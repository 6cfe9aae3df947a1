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

"""Requests find victims although a host's values are stale or unread."""

import threading

from nova import exception
from nova.compute import resource_tracker
from nova.scheduler.client import report

from opie.tests.functional import base
from opie.tests.functional import test_inventories

_GHOST = '11111111-1111-4111-8111-111111111111'


class OutdatedTest(base.CloudTestCase):
    """A victim of 4, beside 6 that are freed after the host was read."""

    hosts = ('host1',)

    def setUp(self):
        super().setUp()
        self.victim = self.boot_preemptible(4)
        self.begun, self.release = threading.Event(), threading.Event()
        self.addCleanup(self.release.set)

    def hold(self):
        self.begun.set()
        self.release.wait(base.WAIT_SECONDS)

    def assertServed(self):
        self.assertEqual(4, self.used_vcpus('host1'))
        self.audit()
        preemptor = self.boot(10)
        self.assertGone(self.victim)
        self.assertUntouched(preemptor)

    def test_a_consumer_that_nova_does_not_know_goes(self):
        provider = self._get_provider_uuid_by_host('host1')
        self.placement.put(
            '/allocations/' + _GHOST,
            {
                'allocations': {provider: {'resources': {'VCPU': 6}}},
                'project_id': 'p',
                'user_id': 'u',
                'consumer_generation': None,
                'consumer_type': 'INSTANCE',
            },
            version='1.38',
        )
        self.assertNoValidHost(self.boot(10, state='ERROR'))
        self.placement.delete('/allocations/' + _GHOST)
        self.assertServed()

    def test_a_build_fails_on_the_compute(self):
        def claim(real, tracker, context, instance, *args, **kwargs):
            if instance.flavor.vcpus == 6:
                self.hold()
                raise exception.ComputeResourcesUnavailable(reason='no')
            return real(tracker, context, instance, *args, **kwargs)

        self.wrap(resource_tracker.ResourceTracker, 'instance_claim', claim)
        failing = self.boot(6, state=None)
        self.assertTrue(self.begun.wait(base.WAIT_SECONDS))
        self.assertNoValidHost(self.boot(10, state='ERROR'))
        self.release.set()
        self._wait_for_state_change(failing, 'ERROR')
        self._wait_for_assert(
            lambda: self.assertEqual(4, self.used_vcpus('host1'))
        )
        self.assertServed()

    def test_a_server_is_deleted_and_its_allocations_go_late(self):
        self.flags(max_wait_for_deletion_seconds=0, group='opie')
        normal = self.boot(6)

        def delete(real, client, context, uuid, *args, **kwargs):
            if uuid == normal['id']:
                self.hold()
            return real(client, context, uuid, *args, **kwargs)

        self.wrap(
            report.SchedulerReportClient,
            'delete_allocation_for_instance',
            delete,
        )
        self.api.delete_server(normal['id'])
        self.assertTrue(self.begun.wait(base.WAIT_SECONDS))
        self.assertNoValidHost(self.boot(10, state='ERROR'))
        self.release.set()
        self.wait_until_gone(normal)
        self.assertServed()


class UnreadTest(test_inventories.InventoryCase):
    """Two hosts with a resource class that nova's records do not have."""

    hosts = ('host1', 'host2')
    inventories = dict.fromkeys(hosts, {'CUSTOM_X': {'total': 1}})

    def boot_dear_and_cheap(self):
        self.one_x = self.asking_for(1, X=1)
        # Without knowledge the first uuid would win.
        first, second = sorted(self.hosts, key=self._get_provider_uuid_by_host)
        dear = self.boot_preemptible(flavor=self.one_x, host=first)
        self.has_run(dear, 3000)
        return dear, self.boot_preemptible(flavor=self.one_x, host=second)

    def test_the_cheaper_one_is_chosen_although_none_was_read(self):
        dear, cheap = self.boot_dear_and_cheap()
        self.boot(flavor=self.one_x)
        self.assertUntouched(dear)
        self.assertGone(cheap)

    def test_hosts_are_read_before_a_request_needs_them(self):
        dear, cheap = self.boot_dear_and_cheap()
        manager = self.scheduler_service.manager
        manager._read_ahead(None)
        seen = manager._pass_two._worker.hosts.providers
        for host in self.hosts:
            facts = seen.last(self._get_provider_uuid_by_host(host))
            self.assertIn('CUSTOM_X', facts.inventories)
        self.boot(flavor=self.one_x)
        self.assertUntouched(dear)
        self.assertGone(cheap)
