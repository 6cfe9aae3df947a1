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


"""Which classes the scheduler service gets, and what is said of the others."""

from importlib import metadata
import pathlib
import sys
from unittest import mock

from opie.tests.unit.cmd import base  # isort: skip

import fixtures
from nova.scheduler import host_manager as nova_host_manager
from nova.scheduler import manager as nova_manager
import nova.service
from oslo_utils import importutils
from stevedore import extension

from opie.cmd import scheduler_classes
from opie.scheduler import filter_scheduler
from opie.scheduler import host_manager
from opie.tests.unit.preemption import builders

HERE = __name__
NOVAS_DRIVER = nova_manager.SchedulerManager
NOVAS_HOST_MANAGER = nova_host_manager.HostManager
OPIES_DRIVER = filter_scheduler.FilterScheduler
OPIES_HOST_MANAGER = host_manager.HostManager
NOVAS = {
    'scheduler_driver': 'nova.scheduler.manager.SchedulerManager',
    'scheduler_host_manager': 'nova.scheduler.host_manager.HostManager',
}


class Driver(OPIES_DRIVER):
    """An operator's own."""


class HostManager(OPIES_HOST_MANAGER):
    """An operator's own."""


class LeanHostManager(NOVAS_HOST_MANAGER):
    """One that is not opie's."""


MODULES = {
    'opie_test_needs': 'import opie_test_absent\n',
    'opie_test_raises': 'assert False, "two\\nlines"\n',
}
ENTRY_POINTS = {
    'nova.scheduler.driver': {
        'mine': f'{HERE}:Driver',
        'mine.too': f'{HERE}:Driver',
        'absent': f'{HERE}:Absent',
        'raises': 'opie_test_raises:Driver',
    },
    'nova.scheduler.host_manager': {'mine': f'{HERE}:HostManager'},
}


class ClassesTestCase(base.CommandTestCase):
    """Has modules that fail and entry points of all kinds."""

    def setUp(self):
        super().setUp()
        self.patch(
            mock.patch.dict(
                extension.ExtensionManager.ENTRY_POINT_CACHE,
                {
                    group: [
                        metadata.EntryPoint(name, value, group)
                        for name, value in names.items()
                    ]
                    for group, names in ENTRY_POINTS.items()
                },
            )
        )
        directory = self.useFixture(fixtures.TempDir()).path
        for name, text in MODULES.items():
            pathlib.Path(directory, f'{name}.py').write_text(text)
        self.patch(mock.patch.object(sys, 'path', [directory, *sys.path]))

    def load(self, options):
        self.config.config(**options)
        return scheduler_classes.load(base.CONF)


@builders.scenarios(
    {
        'opie is the default': (
            {},
            (OPIES_DRIVER, OPIES_HOST_MANAGER),
        ),
        'classes are named by dotted path': (
            {
                'scheduler_driver': f'{HERE}.Driver',
                'scheduler_host_manager': f'{HERE}.HostManager',
            },
            (Driver, HostManager),
        ),
        'classes are named by entry point': (
            {'scheduler_driver': 'mine', 'scheduler_host_manager': 'mine'},
            (Driver, HostManager),
        ),
        'an entry point may have a dot in its name': (
            {'scheduler_driver': 'mine.too'},
            (Driver, OPIES_HOST_MANAGER),
        ),
        'blanks around a name do not matter': (
            {'scheduler_driver': f' {HERE}.Driver '},
            (Driver, OPIES_HOST_MANAGER),
        ),
        'nova may run as it is': (
            NOVAS,
            (NOVAS_DRIVER, NOVAS_HOST_MANAGER),
        ),
        'the driver of nova works with the host manager of opie': (
            {'scheduler_driver': NOVAS['scheduler_driver']},
            (NOVAS_DRIVER, OPIES_HOST_MANAGER),
        ),
    }
)
class TestLoad(ClassesTestCase):
    def check(self, options, expected):
        self.assertEqual(expected, self.load(options))


@builders.scenarios(
    {
        'a module that is not there': (
            {'scheduler_driver': 'opie_test_absent.Driver'},
            "ModuleNotFoundError: No module named 'opie_test_absent'",
        ),
        'a module that needs one that is not there': (
            {'scheduler_driver': 'opie_test_needs.Driver'},
            "ModuleNotFoundError: No module named 'opie_test_absent'",
        ),
        'a module that fails with several lines': (
            {'scheduler_driver': 'opie_test_raises.Driver'},
            'AssertionError: two lines. ',
        ),
        'a class that its module has not': (
            {'scheduler_driver': f'{HERE}.Absent'},
            f"AttributeError: module '{HERE}' has no attribute 'Absent'",
        ),
        'a class that the module of its entry point has not': (
            {'scheduler_driver': 'absent'},
            f"AttributeError: module '{HERE}' has no attribute 'Absent'",
        ),
        'an entry point whose module fails': (
            {'scheduler_driver': 'raises'},
            'AssertionError: two lines. ',
        ),
        'a name that is no entry point': (
            {'scheduler_driver': 'filter_scheduler'},
            'it is neither an entry point nor a dotted path',
        ),
        'an empty name': (
            {'scheduler_driver': ''},
            'it is neither an entry point nor a dotted path',
        ),
        'a name of two lines': (
            {'scheduler_driver': 'opie_test_absent.\nDriver'},
            "No module named 'opie_test_absent'",
        ),
        'an object that is no class': (
            {'scheduler_driver': f'{HERE}.HERE'},
            'it is no subclass of nova.scheduler.manager.SchedulerManager',
        ),
        'a driver that is none': (
            {'scheduler_driver': f'{HERE}.HostManager'},
            'it is no subclass of nova.scheduler.manager.SchedulerManager',
        ),
        'a host manager that is none': (
            {'scheduler_host_manager': f'{HERE}.Driver'},
            'it is no subclass of nova.scheduler.host_manager.HostManager',
        ),
        'a host manager of nova for the driver of opie': (
            {'scheduler_host_manager': NOVAS['scheduler_host_manager']},
            f'scheduler_driver {OPIES_DRIVER.__module__}.FilterScheduler '
            f'needs {OPIES_HOST_MANAGER.__module__}.HostManager',
        ),
        'a host manager of nova for a subclass of the driver of opie': (
            dict(NOVAS, scheduler_driver='mine'),
            f'scheduler_driver {HERE}.Driver needs '
            f'{OPIES_HOST_MANAGER.__module__}.HostManager',
        ),
    }
)
class TestRefuse(ClassesTestCase):
    def check(self, options, reason):
        error = self.assertRaises(
            scheduler_classes.UnusableClass, self.load, options
        )
        option = [name for name in options if name in str(error)][-1]
        self.assertEqual(
            f'[DEFAULT] {option} = {options[option]!r} cannot be used',
            str(error).partition(': ')[0],
        )
        self.assertIn(reason, str(error))
        self.assertIn(sys.executable, str(error))
        self.assertIn('or leave the option out for opie.', str(error))
        self.assertNotIn('\n', str(error))


class TestRefuseDefault(ClassesTestCase):
    def test_what_is_the_default_is_no_advice(self):
        with mock.patch.dict(sys.modules, {OPIES_DRIVER.__module__: None}):
            error = self.assertRaises(
                scheduler_classes.UnusableClass, self.load, {}
            )
        self.assertNotIn('leave the option out', str(error))


class TestInstall(ClassesTestCase):
    def test_nova_finds_the_classes(self):
        scheduler_classes.install(*self.load({'scheduler_driver': 'mine'}))
        path = nova.service.SERVICE_MANAGERS['nova-scheduler']
        self.assertIs(Driver, importutils.import_class(path))
        self.assertIs(
            OPIES_HOST_MANAGER, nova_manager.host_manager.HostManager
        )

    def test_the_base_stays_that_of_nova(self):
        scheduler_classes.install(*self.load({}))
        options = dict(NOVAS, scheduler_host_manager=f'{HERE}.LeanHostManager')
        self.assertEqual((NOVAS_DRIVER, LeanHostManager), self.load(options))
