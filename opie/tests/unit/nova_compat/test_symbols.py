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

"""Each symbol of nova that opie uses is as opie needs it."""

from opie.tests.unit.cmd import base  # isort: skip

from unittest import mock

from nova import context as nova_context
from nova import objects
from nova.compute import api as compute_api
from nova.db.main import models
from nova.scheduler import host_manager
import testtools

from opie.nova_compat import check
from opie.nova_compat import source
from opie.nova_compat import symbols
from opie.tests.unit.preemption import builders

SYMBOLS = symbols.symbols()

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
    """A sentence tells of each change of nova."""

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
            'needs to read cells.'
        )

    def test_a_column_was_dropped(self):
        self.rename(models.Instance, 'disable_terminate')
        self.assertSaid(
            'nova 35.0.0 has no nova.db.main.models.Instance.'
            'disable_terminate, which opie needs to know which servers are '
            'preemptible, and which must not go.'
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
            'timeout) and not (context, cell), which opie needs to read '
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


_HEADER = """
import nova.conf
from nova import objects
from nova.scheduler import host_manager as novas
CONF = nova.conf.CONF
"""


@builders.scenarios(
    {
        'what is read': ('novas.LIMIT', 'nova.scheduler.host_manager.LIMIT'),
        'by an alias': ('CONF.host', 'nova.conf.CONF.host'),
        'no more than an attribute of a class': (
            'objects.Instance.host.in_(hosts)',
            'nova.objects.Instance.host',
        ),
        'what is called': (
            'objects.Flavor.find(self.context, uuid, limit=1)',
            'nova.objects.Flavor.find(self.context, uuid, limit=)',
        ),
        'what is called with anything': (
            'objects.Flavor.find(*arguments)',
            'nova.objects.Flavor.find',
        ),
        'the shortest of calls that are alike': (
            'objects.Flavor.find(a + b); objects.Flavor.find(c)',
            'nova.objects.Flavor.find(c)',
        ),
        'calls that are not alike': (
            'objects.Flavor.find(a); objects.Flavor.find(a, b=c)',
            'nova.objects.Flavor.find(a) nova.objects.Flavor.find(a, b=)',
        ),
        'what a class inherits': (
            'class Mine(novas.HostState):\n'
            '    mine = 1\n'
            '    def get(self):\n'
            '        self.own = self.mine\n'
            '        return self.cell, self.own, super().find(self.own)',
            'nova.scheduler.host_manager.HostState.cell '
            'nova.scheduler.host_manager.HostState.find(self, self.own)',
        ),
        'not what others have': ('conf.host; oslo.CONF.host', ''),
    }
)
class TestSource(testtools.TestCase):
    """The uses of nova that are found in a source."""

    def check(self, text, expected):
        found = source.unique(source.of_text(_HEADER + text))
        shown = ' '.join(
            use.path
            if use.arguments is None
            else '%s(%s)' % (use.path, ', '.join(use.arguments))
            for use in found
            if use.path not in ('nova.conf.CONF',)
        )
        self.assertEqual(expected, shown)


class TestList(testtools.TestCase):
    """The list of symbols has all that opie uses."""

    def test_the_source_of_opie_is_read(self):
        found = {symbol.path for symbol in SYMBOLS}
        for path in (
            # One of each package that runs beside an operator's nova.
            'nova.api.openstack.wsgi.Fault',
            'nova.cmd.scheduler.main',
            'nova.policy.register_rules',
            'nova.scheduler.manager.SchedulerManager.select_destinations',
        ):
            self.assertIn(path, found)

    def test_what_the_source_shows_is_not_kept_by_hand(self):
        shown = {(use.path, use.shape) for use in source.uses()}
        paths = {path for path, _ in shown}
        by_hand = [
            symbol.path
            for symbol in symbols.given_symbols()
            if (symbol.path, symbol.shape) in shown
            or (symbol.arguments is None and symbol.path in paths)
        ]
        self.assertEqual([], by_hand)

    def test_it_says_each_once_and_what_for(self):
        self.assertEqual(len(SYMBOLS), len(set(map(_name, SYMBOLS))))
        for symbol in SYMBOLS:
            self.assertTrue(symbol.purpose.startswith('to '), symbol)
