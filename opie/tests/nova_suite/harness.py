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

"""Prepares a process for nova's tests, and notes which classes schedule.

The environment variables in the package's __init__ say what is wanted.
"""

# NOTE: sets up the threading model before anything imports eventlet.
from nova.tests.functional import integrated_helpers  # isort: skip

import logging
import os
import pathlib

from nova import test
from nova.scheduler import manager
from nova.tests.fixtures import conf

from opie.cmd import scheduler_classes
from opie.sandbox import paste
from opie.scheduler import filter_scheduler
from opie.scheduler import host_manager
from opie.tests import databases
from opie.tests import garbage
from opie.tests import nova_suite
from opie.tests import threads

_WAITS = (
    '_wait_for_assert',
    '_wait_for_server_parameter',
    '_wait_for_service_parameter',
    '_wait_for_state_change',
)
_LOOKS_OF_NOVA = 10
# Two a second.
_LOOKS = 120

_running = None


def prepare():
    """Prepare the process, once, before its first test."""
    # The log lines of every shutdown would hide the results.
    logging.getLogger('nova.thread_pool_factory').setLevel(logging.WARNING)
    databases.share()
    garbage.collect_seldom()
    threads.start_few()
    threads.keep_apart()
    _be_patient()
    _find_api_paste()
    _note_which_test_runs()
    _note_calls()
    if os.environ[nova_suite.CLASSES] == 'opie':
        scheduler_classes.install(
            filter_scheduler.FilterScheduler, host_manager.HostManager
        )


def _be_patient():
    """Have nova's tests wait a minute where they wait 5 seconds."""
    for name in _WAITS:
        wait = getattr(integrated_helpers.InstanceHelperMixin, name)
        wait.__defaults__ = tuple(
            _LOOKS if value == _LOOKS_OF_NOVA else value
            for value in wait.__defaults__
        )


def _find_api_paste():
    """Have nova's tests find api-paste.ini where its wheel puts it."""
    set_up = conf.ConfFixture.setUp

    def find(self):
        set_up(self)
        self.conf.set_default(
            'api_paste_config', paste.of_nova(), group='wsgi'
        )

    conf.ConfFixture.setUp = find


def _note_which_test_runs():
    set_up = test.TestCase.setUp

    def note(self):
        global _running
        _running = self.id()
        set_up(self)

    test.TestCase.setUp = note


def _note_calls():
    """Write down which class was asked for a host in which test."""
    select = manager.SchedulerManager._select_destinations
    record = pathlib.Path(os.environ[nova_suite.RECORD], str(os.getpid()))

    def note(self, *args, **kwargs):
        cls = type(self)
        with record.open('a') as notes:
            notes.write(
                '%s.%s %s\n' % (cls.__module__, cls.__qualname__, _running)
            )
        return select(self, *args, **kwargs)

    manager.SchedulerManager._select_destinations = note
