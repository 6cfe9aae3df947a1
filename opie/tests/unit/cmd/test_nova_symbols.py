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

"""Whether nova is as opie needs it, a test for each symbol."""

from opie.tests.unit.cmd import base  # isort: skip

from unittest import mock

from nova import context as nova_context
from nova import objects
from nova.compute import api as compute_api
from nova.db.main import models
from nova.scheduler import host_manager
import testtools

from opie.nova_compat import check
from opie.tests.unit.cmd import nova_uses
from opie.tests.unit.preemption import builders

SYMBOLS = check.symbols()

# Not to be loaded, which would start the service; or only where it is there.
UNLISTED = (
    'nova.wsgi.osapi_compute.application',
    'nova.monkey_patch',
    'nova.monkey_patch.patch',
)
# What nova builds with the options that opie itself has registered.
OWN_OPTIONS = (
    'nova.conf.CONF.opie',
    'nova.conf.CONF.category',
    'nova.conf.CONF.preemptible_',
    'nova.conf.CONF.scheduler_',
)

objects.register_all()


def _name(symbol):
    if symbol.arguments is not None:
        return '%s called with %s' % (symbol.path, symbol.arguments)
    return symbol.path + (' as opie overrides it' if symbol.override else '')


@builders.scenarios({_name(symbol): (symbol,) for symbol in SYMBOLS})
class TestSymbol(testtools.TestCase):
    def check(self, symbol):
        self.assertIsNone(check.difference(symbol))


class TestDifference(base.CommandTestCase):
    """What is said when nova changes."""

    def setUp(self):
        super().setUp()
        self.patch(mock.patch.object(check, 'release', lambda: '35.0.0'))

    def rename(self, owner, name):
        """Let nova know something by another name."""
        self.patch(mock.patch.object(owner, name))
        delattr(owner, name)

    def replace(self, owner, name, function):
        self.patch(mock.patch.object(owner, name, function))

    def assertSaid(self, *sentences):
        said = filter(None, map(check.difference, SYMBOLS))
        self.assertEqual(sentences, tuple(said))

    def test_a_function_was_renamed(self):
        self.rename(nova_context, 'scatter_gather_cells')
        self.assertSaid(
            'nova 35.0.0 has no nova.context.scatter_gather_cells, which opie '
            'needs to look into cells.'
        )

    def test_a_column_was_dropped(self):
        self.rename(models.Instance, 'disable_terminate')
        self.assertSaid(
            'nova 35.0.0 has no nova.db.main.models.Instance.'
            'disable_terminate, which opie needs to know who is preemptible, '
            'on which host, and who must not go.'
        )

    def test_attributes_are_set_no_more(self):
        self.replace(
            host_manager.HostManager, 'refresh_cells_caches', lambda self: None
        )
        self.assertSaid(
            *(
                'nova 35.0.0 has no nova.scheduler.host_manager.HostManager.%s'
                ', which opie needs to know the hosts and to ask filters '
                'about them.' % name
                for name in ('cells', 'enabled_cells')
            )
        )

    def test_an_argument_is_not_taken_any_more(self):
        self.replace(compute_api.API, 'delete', lambda self, context: None)
        self.assertSaid(
            'nova.compute.api.API.delete of nova 35.0.0 takes (self, context) '
            'and not (self, context, instance), which opie needs to evict.'
        )

    def test_an_argument_that_was_added_must_be_given(self):
        def target_cell(context, cell, *, timeout):
            """Target a cell."""

        self.replace(nova_context, 'target_cell', target_cell)
        self.assertSaid(
            'nova.context.target_cell of nova 35.0.0 takes (context, cell, *, '
            'timeout) and not (context, cell), which opie needs to look into '
            'cells.'
        )

    def test_nova_gives_an_argument_that_opies_method_does_not_take(self):
        def get_weighed_hosts(self, hosts, spec_obj, limit=None):
            """Weigh hosts."""

        self.replace(
            host_manager.HostManager, 'get_weighed_hosts', get_weighed_hosts
        )
        self.assertSaid(
            'nova.scheduler.host_manager.HostManager.get_weighed_hosts of '
            'nova 35.0.0 takes (self, hosts, spec_obj, limit=None) and '
            'opie.scheduler.host_manager.HostManager.get_weighed_hosts in its '
            'place (self, hosts, spec_obj), which opie needs to have host '
            'states that know of preemptible servers.'
        )


class TestList(testtools.TestCase):
    """Whether the list of symbols is all that opie uses."""

    def setUp(self):
        super().setUp()
        self.uses = {
            (path, shape): files
            for (path, shape), files in nova_uses.find().items()
            if path not in UNLISTED and not path.startswith(OWN_OPTIONS)
        }

    def test_every_symbol_that_the_code_shows_is_listed(self):
        paths = {symbol.path for symbol in SYMBOLS}
        unlisted = {
            path: files
            for (path, _), files in self.uses.items()
            if not _is_listed(path, paths)
        }
        self.assertEqual({}, unlisted)

    def test_every_call_that_the_code_shows_is_listed(self):
        calls = {}
        for symbol in SYMBOLS:
            if symbol.arguments is not None:
                calls.setdefault(symbol.path, set()).add(_shape(symbol))
        unlisted = {
            (path, shape): files
            for (path, shape), files in self.uses.items()
            if path in calls and shape and shape not in calls[path]
        }
        self.assertEqual({}, unlisted)

    def test_it_says_each_once_and_what_for(self):
        self.assertEqual(len(SYMBOLS), len(set(map(_name, SYMBOLS))))
        for symbol in SYMBOLS:
            self.assertTrue(symbol.purpose.startswith('to '), symbol)


def _is_listed(path, paths):
    """Tell whether a path is listed, or what it begins with or is part of.

    What is behind a listed one is of another library, such as ``in_`` of a
    column.
    """
    return any(
        path == listed
        or listed.startswith(path + '.')
        or path.startswith(listed + '.')
        for listed in paths
    )


def _shape(symbol):
    keywords = {name[:-1] for name in symbol.arguments if name.endswith('=')}
    return len(symbol.arguments) - len(keywords), frozenset(keywords)
