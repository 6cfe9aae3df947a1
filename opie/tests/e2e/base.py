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

"""The base of tests on a real cloud: processes, HTTP, a broker, a database.

The cloud is started once for all tests of a class.  Its users are ordinary
members of two projects.
"""

import atexit
import contextlib
import pathlib
import tempfile
import time
import unittest

from openstack import exceptions

from opie.sandbox import cloud
from opie.sandbox.stand_ins import glance
from opie.tests.e2e import watcher

WAIT_SECONDS = 120
_POLL_SECONDS = 0.3
PREEMPTIBLE = {'preemptible': True}
# Settings of two hosts.  The second one can be stopped alone, and nova takes
# long to notice that.
SMALL = {
    'hosts': 2,
    'vcpus': 4,
    'ram_mb': 4096,
    'compute_processes': 2,
    'preemption_timeout_seconds': 15,
    'service_down_seconds': 300,
}


class _Running:
    """The one cloud that runs, until another one is asked for."""

    def __init__(self):
        self._stack = contextlib.ExitStack()
        self._settings = None
        atexit.register(self._stack.close)

    def cloud(self, settings):
        """Return a running cloud with some settings."""
        if settings != self._settings:
            self.stop()
            # TMPDIR may be too long, because the path of a socket is short.
            folder = self._stack.enter_context(
                tempfile.TemporaryDirectory(prefix='opie-', dir='/tmp')
            )
            self._cloud = cloud.SandboxCloud(pathlib.Path(folder) / 'cloud')
            self._stack.callback(self._cloud.down)
            self._cloud.up(**settings)
            self._settings = settings
        return self._cloud

    def stop(self):
        """Stop the cloud, if there is one."""
        self._stack.close()
        self._settings = None


_running = _Running()


class CloudTestCase(unittest.TestCase):
    """The base of tests on a real cloud.

    :cvar settings: fields of the sandbox's Settings; classes that want the
        same, one after the other, have the same cloud.
    :cvar is_shared: False for a cloud that others had rather not run beside.
    :cvar cloud: the :class:`opie.sandbox.cloud.SandboxCloud`.
    """

    settings = {}
    is_shared = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not cls.is_shared:
            cls.addClassCleanup(_running.stop)
        cls.cloud = _running.cloud(cls.settings)
        cls.watcher = watcher.Watcher(cls.cloud)
        cls.addClassCleanup(cls.watcher.close)
        cls.connections = {}
        for user in ('demo', 'other', 'admin'):
            connection = cls.connections[user] = cls.cloud.connect(user)
            cls.addClassCleanup(connection.close)

    def setUp(self):
        super().setUp()
        self.delete_all()

    def compute(self, user='demo'):
        return self.connections[user].compute

    def create(
        self, flavor, name='server', user='demo', networks='none', **kwargs
    ):
        """Ask for a server, or several; return the first one."""
        return self.compute(user).create_server(
            name=name,
            flavor_id=flavor,
            image_id=glance.IMAGE_ID,
            networks=networks,
            **kwargs,
        )

    def create_preemptible(self, flavor, number=1, **kwargs):
        """Boot preemptible servers and return their ids."""
        before = {item.id for item in self.compute().servers(details=False)}
        self.create(
            flavor,
            scheduler_hints=PREEMPTIBLE,
            min_count=number,
            max_count=number,
            **kwargs,
        )
        ids = {
            item.id for item in self.compute().servers(details=False)
        } - before
        self.assertEqual(number, len(ids))
        self.wait_for(
            lambda: self.assertEqual({'active'}, self.watcher.states(ids))
        )
        return ids

    def final_statuses(self, servers, user='demo', seconds=WAIT_SECONDS):
        """Wait until servers are ACTIVE or in ERROR; return id to status."""
        deadline = time.monotonic() + seconds
        statuses = {}
        while time.monotonic() < deadline:
            for server in servers:
                if statuses.get(server.id) not in ('ACTIVE', 'ERROR'):
                    found = self.compute(user).get_server(server.id)
                    statuses[server.id] = found.status
            if set(statuses.values()) <= {'ACTIVE', 'ERROR'}:
                return statuses
            time.sleep(_POLL_SECONDS)
        raise AssertionError('Still in other states: %s' % statuses)

    def wait_for(self, check, seconds=WAIT_SECONDS):
        """Call a function until it raises no AssertionError."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                return check()
            except AssertionError:
                if time.monotonic() >= deadline:
                    raise
            time.sleep(_POLL_SECONDS)

    def logged(self, text, services='nova-scheduler-*'):
        """Return the lines of the services' logs that hold a text."""
        return [
            line
            for path in self.cloud.home.logs.glob(services)
            for line in path.read_text().splitlines()
            if text in line
        ]

    def delete_all(self):
        """Delete the servers of all users, and wait until they are gone."""
        admin = self.compute('admin')
        for server in admin.servers(all_projects=True):
            if server.task_state == 'deleting':
                # Otherwise nova would not send the deletion a second time.
                _reset_state(admin, server.id)
            admin.delete_server(server.id, ignore_missing=True)
        self.wait_for(lambda: self.assertEqual({}, self.watcher.allocations()))

    def assert_nothing_is_left(self):
        """Check that exactly the servers have allocations."""
        self.wait_for(
            lambda: self.assertEqual(
                self.watcher.placed(), self.watcher.allocations().keys()
            )
        )
        self.wait_for(lambda: self.assertEqual(set(), self.watcher.journal()))
        self.assertEqual([], self.watcher.over_capacity())


def _reset_state(admin, uuid):
    """Let a server be in ERROR, unless it has gone meanwhile."""
    try:
        admin.reset_server_state(uuid, 'error')
    except exceptions.HttpException as exc:
        # nova answers with 500 if the server goes at the same moment.
        if exc.status_code != 404 and 'InstanceNotFound' not in str(exc):
            raise
