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


"""The command as an operator runs it: real processes, files and databases.

Placement is real as well, because the scheduler calls it when it starts.
"""

import os
import pathlib
import re
import signal
import sqlite3
import subprocess
import sys
import time

import fixtures
import testtools
from testtools import testcase

WAIT_SECONDS = 120

NOVA_CONF = """
[DEFAULT]
transport_url = fake://
state_path = {home}
host = {host}
default_log_levels = nova.service=DEBUG
manager_shutdown_timeout = 0
[database]
connection = sqlite:///{home}/nova.db
[api_database]
connection = sqlite:///{home}/api.db
[placement]
auth_type = admin_token
token = admin
endpoint = http://127.0.0.1:{port}
[oslo_concurrency]
lock_path = {home}
[scheduler]
workers = 2
discover_hosts_in_cells_interval = 4321
"""

# The documentation of 2016, to the letter.
FRAGMENT_OF_2016 = """
[DEFAULT]
scheduler_driver = opie.scheduler.filter_scheduler.FilterScheduler
scheduler_host_manager = opie.scheduler.host_manager.HostManager
scheduler_weight_classes = nova.scheduler.weights.all_weighers, \
opie.scheduler.weights.preemptible.PreemptibleDurationWeigher, \
opie.scheduler.weights.preemptible.PreemptibleCountWeigher
preemptible_count_weight_multiplier = 1000.0
preemptible_duration_weight_multiplier = 1000.0
"""

OPERATORS_CONF = """
[DEFAULT]
host = from-nova-scheduler-conf
scheduler_driver = operators.Driver
scheduler_host_manager = operators.HostManager
"""

OPERATORS_MODULE = """
from opie.scheduler import filter_scheduler
from opie.scheduler import host_manager

class Driver(filter_scheduler.FilterScheduler):
    def init_host(self, service_ref):
        super().init_host(service_ref)
        interval = self._periodic_spacing['_discover_hosts_in_cells']
        print('operators:', type(self.host_manager), interval, flush=True)

class HostManager(host_manager.HostManager):
    pass
"""

PLACEMENT_CONF = """
[api]
auth_strategy = noauth2
[placement_database]
connection = sqlite:///{home}/placement.db
sync_on_startup = True
"""

PLACEMENT = """
import os
from wsgiref import simple_server
from placement.wsgi import api
server = simple_server.make_server('127.0.0.1', 0, api.application)
with open('port.new', 'w') as port:
    port.write(str(server.server_port))
os.rename('port.new', 'port')
server.serve_forever()
"""

COMMAND = ['-m', 'opie.cmd.nova_scheduler']
NOVA_MANAGE = 'from nova.cmd import manage; manage.main()'


class ProcessCloud(fixtures.Fixture):
    """nova's databases and a placement, in a home directory of their own."""

    def _setUp(self):
        self.home = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.environment = dict(
            os.environ,
            HOME=str(self.home),
            PYTHONPATH=os.pathsep.join([str(self.home), *sys.path]),
            PYTHONWARNINGS='ignore',
            OS_PLACEMENT_CONFIG_DIR=str(self.home),
        )
        # nova chooses between threads and eventlet, as for an operator.
        self.environment.pop('OS_NOVA_DISABLE_EVENTLET_PATCHING', None)
        self.write('operators.py', OPERATORS_MODULE)
        self.write('placement.conf', PLACEMENT_CONF)
        self.start('-c', PLACEMENT, log=self.home / 'placement.log')
        self.make_databases()
        port = self.home / 'port'
        wait_until(port.exists, self.home / 'placement.log')
        self.port = int(port.read_text())

    def make_databases(self):
        # Placement may be starting in the meantime; it is not needed here.
        self.port = 0
        conf = self.write_nova_conf('manage.conf')
        cell0 = f'sqlite:///{self.home}/cell0.db'
        for command in (
            ['api_db', 'sync'],
            ['cell_v2', 'map_cell0', '--database_connection', cell0],
            ['db', 'sync'],
            ['cell_v2', 'create_cell', '--name', 'cell1'],
        ):
            self.run('-c', NOVA_MANAGE, '--config-file', conf, *command)

    def write(self, name, text, **values):
        path = self.home / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text.format(home=self.home, **values))
        return path

    def write_nova_conf(self, name, more='', host='from-nova-conf'):
        return self.write(name, NOVA_CONF + more, host=host, port=self.port)

    def run(self, *arguments, status=0):
        """Run Python to its end; return its stderr."""
        done = subprocess.run(
            [sys.executable, *arguments],
            env=self.environment,
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=WAIT_SECONDS,
        )
        if done.returncode != status:
            raise AssertionError(f'{arguments}: {done}')
        return done.stderr

    def start(self, *arguments, log):
        """Start Python; it is stopped at the end of the test at the latest."""
        with log.open('w') as stream:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                env=self.environment,
                cwd=self.home,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.addCleanup(stop, process)
        return process

    def schedulers(self):
        """Return the hosts of the scheduler services that nova knows."""
        database = sqlite3.connect(self.home / 'nova.db', timeout=10)
        try:
            rows = database.execute(
                "SELECT host FROM services WHERE binary = 'nova-scheduler'"
            ).fetchall()
        finally:
            database.close()
        return [host for (host,) in rows]


def wait_until(condition, log):
    """Return what the condition returns as soon as that is true."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.1)
    raise AssertionError(f'Waited in vain. The log is:\n{log.read_text()}')


def stop(process):
    """Stop a process, by force if it must be; return its exit status."""
    process.terminate()
    try:
        return process.wait(WAIT_SECONDS)
    except subprocess.TimeoutExpired:
        # The session is its own, so that its workers go as well.
        os.killpg(process.pid, signal.SIGKILL)
        return process.wait()


class SchedulerTestCase(testcase.WithAttributes, testtools.TestCase):
    """Runs a scheduler command on a cloud that the tests of a class share.

    :cvar command: Python's arguments that run it.
    :cvar name: what it calls itself.
    """

    command = COMMAND
    name = 'opie-nova-scheduler'

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cloud = ProcessCloud()
        cls.cloud.setUp()
        cls.addClassCleanup(cls.cloud.cleanUp)

    def serve(self, host, pattern, *arguments):
        """Run the command until nova knows the service and stop it.

        :param pattern: what each of two workers logs once.
        :returns: the process, its log, and what the pattern's group matched.
        """
        log = self.cloud.home / f'{self.id()}.log'
        process = self.cloud.start(*self.command, *arguments, log=log)

        def find_workers():
            self.assertIsNone(process.poll(), log.read_text())
            found = re.findall(pattern, log.read_text())
            # NOTE: nova/service.py says this when it has started.  That of 33
            # logs an error if it is told to stop earlier.
            started = log.read_text().count('Join ServiceGroup membership')
            return found if len(found) == started == 2 else None

        found = wait_until(find_workers, log)
        wait_until(lambda: host in self.cloud.schedulers(), log)
        self.assertEqual(0, stop(process), log.read_text())
        return process, log.read_text(), found

    def check_refused(self, option, named):
        conf = self.cloud.write_nova_conf(
            'refused.conf', f'[DEFAULT]\n{option}\n', host='refused'
        )
        stderr = self.cloud.run(
            *self.command, *('--config-file', str(conf)), status=1
        )
        # NOTE: nova/monkey_patch.py of 33 has its say about threads first.
        lines = [
            line
            for line in stderr.splitlines()
            if not line.startswith('Service is starting with native threading')
        ]
        self.assertEqual(1, len(lines), stderr)
        self.assertRegex(lines[0], rf'^{self.name}: \[.*{named}')
        self.assertNotIn('refused', self.cloud.schedulers())


class TestOpieNovaScheduler(SchedulerTestCase):
    @testcase.attr('smoke')
    def test_the_fragment_of_2016_works_as_written(self):
        conf = self.cloud.write_nova_conf('2016.conf', FRAGMENT_OF_2016)
        process, log, pids = self.serve(
            'from-nova-conf',
            r' (\d+) INFO .*Preemption is on',
            *('--config-file', str(conf)),
        )
        self.assertEqual(2, len({*pids} - {str(process.pid)}))
        self.assertIn('weight_classes. Move it there.', log)
        self.assertNotRegex(log, ' ERROR |Traceback')

    def test_the_usual_files_are_read_and_name_the_classes(self):
        self.cloud.write_nova_conf('.nova/nova.conf')
        self.cloud.write('.nova/nova-scheduler.conf', OPERATORS_CONF)
        _process, _log, found = self.serve(
            'from-nova-scheduler-conf', 'operators: (.*)'
        )
        self.assertEqual(["<class 'operators.HostManager'> 4321"] * 2, found)

    def test_a_class_that_cannot_be_used_is_one_line(self):
        self.check_refused('scheduler_driver = absent.Driver', 'absent.Driver')

    def test_options_that_cannot_work_are_one_line(self):
        self.check_refused('long_rpc_timeout = 1', 'long_rpc_timeout')
