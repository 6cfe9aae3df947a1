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

"""nova's own scheduler command, patched to honour the options of old.

This module has no tests unless the tests run on a patched nova.
"""

import os

from opie.tests import patched
from opie.tests.functional import test_opie_nova_scheduler as scheduler

# As the entry point would be run.
NOVA_SCHEDULER = """
import sys
from nova.cmd import scheduler
sys.argv[0] = 'nova-scheduler'
scheduler.main()
"""
# Says which classes a scheduler was built of.
PLAIN = """
import nova.cmd.scheduler
from nova.scheduler import manager
init = manager.SchedulerManager.__init__
def say(self, *args, **kwargs):
    init(self, *args, **kwargs)
    print('built:', type(self), type(self.host_manager), flush=True)
manager.SchedulerManager.__init__ = say
"""


def load_tests(loader, tests, pattern):
    return tests if patched.HOME in os.environ else loader.suiteClass()


class TestPatchedNovaScheduler(scheduler.SchedulerTestCase):
    command = ('-c', NOVA_SCHEDULER)
    name = 'nova-scheduler'

    def test_the_fragment_of_2016_works_as_written(self):
        conf = self.cloud.write_nova_conf(
            '2016.conf', scheduler.FRAGMENT_OF_2016
        )
        _process, log, _pids = self.serve(
            'from-nova-conf',
            r' (\d+) INFO .*Preemption is on',
            *('--config-file', str(conf)),
        )
        self.assertNotRegex(log, ' ERROR |Traceback')

    def test_the_names_of_entry_points_work(self):
        conf = self.cloud.write_nova_conf(
            'names.conf',
            '[DEFAULT]\nscheduler_driver = opie_filter_scheduler\n'
            'scheduler_host_manager = opie_host_manager\n',
        )
        self.serve(
            'from-nova-conf',
            'Preemption is on: opie.*FilterScheduler with opie.*HostManager',
            *('--config-file', str(conf)),
        )

    def test_the_usual_files_are_read(self):
        self.cloud.write_nova_conf('.nova/nova.conf')
        self.cloud.write('.nova/nova-scheduler.conf', scheduler.OPERATORS_CONF)
        _process, _log, found = self.serve(
            'from-nova-scheduler-conf', 'operators: (.*)'
        )
        self.assertEqual(["<class 'operators.HostManager'> 4321"] * 2, found)

    def test_without_the_options_the_classes_are_novas(self):
        self.cloud.write('plain.py', PLAIN)
        conf = self.cloud.write_nova_conf('plain.conf', host='plain')
        plain = ('-c', 'import plain\n' + NOVA_SCHEDULER)
        log = self.cloud.home / 'plain.log'
        process = self.cloud.start(*plain, '--config-file', str(conf), log=log)
        scheduler.wait_until(lambda: 'plain' in self.cloud.schedulers(), log)
        self.assertEqual(0, scheduler.stop(process), log.read_text())
        self.assertIn(
            "built: <class 'nova.scheduler.manager.SchedulerManager'> "
            "<class 'nova.scheduler.host_manager.HostManager'>",
            log.read_text(),
        )
        self.assertNotIn('opie', log.read_text())

    def test_a_class_that_cannot_be_used_is_one_line(self):
        for option in (
            'scheduler_driver = absent.Driver',
            'scheduler_driver = absent_entry_point',
            'scheduler_driver = nova.scheduler.host_manager.HostManager',
            'scheduler_host_manager = os.path',
        ):
            self.check_refused(option, option.partition(' = ')[2])


class TestOpieNovaScheduler(scheduler.TestOpieNovaScheduler):
    """The console script of opie, on a patched nova."""
