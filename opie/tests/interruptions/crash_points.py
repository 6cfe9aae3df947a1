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

"""A cloud whose scheduler dies, over and over again."""

import contextlib

import fixtures
from nova.tests.fixtures import notifications
from nova.virt import fake

from opie.conf import operations
from opie.scheduler.nova_db import instances
from opie.scheduler.preempting import eviction
from opie.scheduler.repair import findings
from opie.tests import waits
from opie.tests.interruptions import dying
from opie.tests.interruptions import gathering
from opie.tests.interruptions import invariants
from opie.tests.interruptions import killer
from opie.tests.interruptions import wire

# NOTE: nova/tests/fixtures/notifications.py lets no notification come to the
# transport.
for _notifier in (
    notifications.FakeNotifier,
    notifications.FakeVersionedNotifier,
):
    wire.wrap(
        _notifier,
        '_notify',
        lambda _, priority, context, event_type, payload: (
            'NOTIFY %s' % event_type
        ),
    )

_DEVICE = 'CUSTOM_DEVICE'

_PAUSE_SECONDS = 0.25
_CHECKS = int(waits.WAIT_SECONDS / _PAUSE_SECONDS)
# How often a point is tried that a scheduler comes to by chance.
_TRIES = 3
# Of how many points of requests that go on side by side one may never come.
_MAY_MISS_ONE_OF = 10


class CrashMixin(dying.DyingMixin):
    """Interrupts a :class:`scenarios.Scenario`, and checks the cloud.

    One cloud serves for many crashes: what they leave is cleared away by
    deleting servers, and servers that came to no harm are used again.
    """

    # A test may take minutes, because it may be many crashes.
    TIMEOUT_SCALING_FACTOR = 15

    def setUp(self):
        super().setUp()
        # Each request has one plan, the same each time.
        self.flags(max_plans_per_request=1, group='opie')
        self.flags(preempt_for=list(operations.ALL), group='opie')
        self.patch(instances, '_PATIENCE_SECONDS', 1)
        # Each victim is checked by itself, however soon it comes.
        self.patch(eviction, '_FRESH_SECONDS', 0)
        self._servers = {}  # (place, what it is to be) to the server there
        self._flavors = {}

    def patch(self, owner, name, value):
        self.useFixture(fixtures.MockPatchObject(owner, name, value))

    def interrupt(self, scenario, is_time=lambda point: False):
        """Do the part of a scenario that can be interrupted.

        :param is_time: see :class:`killer.Killer`.
        :returns: the killer.
        """
        the_killer = killer.Killer(scenario.entry, is_time, scenario.after)
        try:
            with self.dying(the_killer), contextlib.suppress(RuntimeError):
                scenario.act()
        finally:
            scenario.relieve()
        return the_killer

    def points_of(self, scenario):
        """Return the crash points that a scenario adds, in order.

        What is read only once, by a scheduler or on a cloud, is read before.
        Where requests go on side by side, only those points are returned that
        came twice.
        """
        points = []
        for _ in range(2):
            before = points
            scenario.arrange()
            points = self.interrupt(scenario).points
            self.recover()
        if scenario.has_threads:
            points = [point for point in points if point in before]
        return scenario.added(points)

    def crash_at(self, scenario, points):
        """Try crash points one after the other, and check what is left."""
        may_miss = len(points) // _MAY_MISS_ONE_OF * scenario.has_threads
        for point in points:
            is_chance = point.is_chance or scenario.has_threads
            tries = _TRIES if is_chance else 1
            while not self._has_crashed_at(scenario, point):
                tries -= 1
                if not tries:
                    self.assertTrue(may_miss, 'never came %s' % point)
                    may_miss -= 1
                    break
                # Nothing was read yet of the servers that come next.
                self.have(())

    def _has_crashed_at(self, scenario, point):
        scenario.arrange()
        killed_at = self.interrupt(
            scenario, lambda here: here == point
        ).killed_at
        try:
            self.recover()
        except AssertionError as exc:
            raise AssertionError(
                '%s, killed %s: %s' % (type(scenario).__name__, point, exc)
            ) from exc
        return killed_at is not None

    def recover(self):
        """Start the scheduler again, and let it repair."""
        self.scheduler_service.manager.init_host(None)
        self.repair()

    def repair(self):
        """Have two turns of the reaper, and check what is left."""
        self.reap_late()
        self._soon(lambda: self.assertEqual([], self._being_deleted()))
        self.reap_late()
        invariants.assert_sound(self)

    def reap_late(self):
        """Let the reaper have its turn when all deadlines are long over."""
        with fixtures.MockPatchObject(findings, 'MARGIN_SECONDS', -10_000):
            self.reap()

    def have(self, servers):
        """Have certain servers and no others.

        :param servers: (what it asks for, see :meth:`_flavor`, host, whether
            preemptible) of each.
        """
        wanted = list(enumerate(servers))
        alive = {
            item['id']: item['status']
            for item in self.api.get_servers(detail=True)
        }
        self._servers = {
            key: server
            for key, server in self._servers.items()
            if key in wanted and alive.get(server['id']) == 'ACTIVE'
        }
        kept = {server['id'] for server in self._servers.values()}
        for uuid in alive.keys() - kept:
            self.api.delete_server(uuid)
        self._soon(
            lambda: self.assertEqual(
                kept, {item['id'] for item in self.api.get_servers()}
            )
        )
        for key in wanted:
            if key not in self._servers:
                _, (asked, host, is_preemptible) = key
                boot = self.boot_preemptible if is_preemptible else self.boot
                flavor = self._flavor(asked)
                self._servers[key] = boot(flavor=flavor, host=host)
        self.reap_late()

    def have_devices(self, number):
        """Let a provider below that of each host have devices."""

        def report(real, driver, tree, nodename, *args, **kwargs):
            real(driver, tree, nodename, *args, **kwargs)
            name = nodename + '_devices'
            if not tree.exists(name):
                tree.new_child(name, nodename)
            tree.update_inventory(name, {_DEVICE: {'total': number}})

        with self.wrapped(fake.FakeDriver, 'update_provider_tree', report):
            self.audit()

    def boot_of(self, vcpu, host):
        """Boot a normal server that :meth:`have` does not know.

        nova asks no more of its later hosts than of that of a server which
        was booted anywhere.
        """
        return self.boot(flavor=self._flavor(vcpu), destination=host)

    def flavor_of(self, vcpu):
        return self._flavor(vcpu)

    def shelve(self, server):
        self.api.post_server_action(server['id'], {'shelve': {}})
        self._wait_for_state_change(server, 'SHELVED_OFFLOADED')

    def move(self, server, action):
        """Have a server moved, and wait for what becomes of it."""
        self.api.post_server_action(server['id'], action)
        self._soon(
            lambda: self.assertIsNone(
                self.api.get_server(server['id'])['OS-EXT-STS:task_state']
            )
        )

    def forget_old_guest(self, server):
        """Have the host that a server has left forget its guest.

        NOTE: nova/virt/fake.py keeps the guest of a server that has moved.
        """
        host = self.host_of(server)
        for name, service in self.computes.items():
            if host not in (None, name):
                service.manager.driver.instances.pop(server['id'], None)

    def preemptible(self):
        """Return the servers of :meth:`have` that are preemptible."""
        return [
            server
            for (_, (_, _, is_preemptible)), server in self._servers.items()
            if is_preemptible
        ]

    def ask(self, number=1, asked=10):
        """Ask for servers, and wait for what becomes of them.

        :param asked: see :meth:`_flavor`.
        """
        body = self._build_server(
            flavor_id=self._flavor(asked), networks='none', name='preemptor'
        )
        body.update(min_count=number, max_count=number)
        self.api.post_server({'server': body})
        self._soon(
            lambda: self.assertTrue(
                self.statuses('preemptor') <= {'ACTIVE', 'ERROR'}
            )
        )

    def ask_together(self, number, vcpu=10):
        """Ask for servers in as many requests, served together.

        In the end each is ACTIVE, in ERROR or deleted.
        """
        body = self._build_server(
            flavor_id=self._flavor(vcpu), networks='none'
        )
        with gathering.gathered(number):
            for place in range(number):
                body['name'] = 'preemptor %d' % place
                self.api.post_server({'server': dict(body)})
            self._soon(
                lambda: self.assertTrue(
                    self.statuses('preemptor') <= {'ACTIVE', 'ERROR'}
                )
            )

    def give_one_up(self):
        """Delete one of those that are asked for, if it is not there yet."""
        for item in self.api.get_servers(detail=True):
            if (item['name'], item['status']) == ('preemptor 0', 'BUILD'):
                self.api.delete_server(item['id'])

    def delete(self, server):
        """Delete a server, and wait until it is gone."""
        self.api.delete_server(server['id'])
        self._soon(lambda: self.assertFalse(self.is_alive(server)))

    def statuses(self, name):
        """Return the statuses of servers whose names begin so."""
        return {
            item['status']
            for item in self.api.get_servers(detail=True)
            if item['name'].startswith(name)
        }

    def _being_deleted(self):
        return [
            item['id']
            for item in self.api.get_servers(detail=True)
            if item['OS-EXT-STS:task_state'] == 'deleting'
        ]

    def _flavor(self, asked):
        """Return a flavor.

        :param asked: VCPU, or (VCPU, number of devices).
        """
        if asked not in self._flavors:
            vcpu, devices = asked if isinstance(asked, tuple) else (asked, 0)
            key = 'resources:' + _DEVICE
            self._flavors[asked] = self.flavor(
                vcpu, extra_specs={key: str(devices)} if devices else None
            )
        return self._flavors[asked]

    def _soon(self, check):
        self._wait_for_assert(check, _CHECKS, _PAUSE_SECONDS)


class CrashesMixin(CrashMixin):
    """Has a scheduler die at points of one scenario.

    :cvar scenario: the class of the scenario.
    :cvar choose: which of the scenario's points are tried.
    """

    scenario = None
    choose = None

    def test_it_dies(self):
        scenario = self.scenario(self)
        points = self.choose(self.points_of(scenario))
        self.assertTrue(points)
        self.crash_at(scenario, points)


def one_case_each(module, cloud, of, choose):
    """Return name to test case, one for each of some scenarios.

    So they may run side by side.

    :param module: name of the module that has the test cases.
    :param cloud: the class of :class:`base.CloudTestCase`.
    :param of: classes of :mod:`scenarios`.
    :param choose: see :class:`CrashesMixin`.
    """
    return {
        one.__name__ + 'Test': type(
            one.__name__ + 'Test',
            (CrashesMixin, cloud),
            {
                '__module__': module,
                'scenario': one,
                'choose': staticmethod(choose),
            },
        )
        for one in of
    }
