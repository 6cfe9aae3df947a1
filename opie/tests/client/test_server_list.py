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

"""What ``openstack server list`` and ``server show`` print."""

import csv
import io

import yaml

from opie.tests.client import base

_LIST = 'server list --sort-column Name '
_COLUMNS = '-c Name -c Preemptible '


class _ServersTestCase(base.ClientTestCase):
    """Servers preemptible by hint, by flavor, and not at all."""

    def configure(self):
        super().configure()
        # The servers take two pages.
        self.flags(max_limit=2, group='api')

    def setUp(self):
        super().setUp()
        marked = self.flavor(1, extra_specs={'opie:preemptible': 'true'})
        self.servers = [
            self.boot(name='by-flavor', flavor=marked),
            self.boot_preemptible(name='by-hint'),
            self.boot(name='normal'),
        ]


class ServerListTest(_ServersTestCase):
    def column(self, *args, **kwargs):
        """Return name to what the column has."""
        rows = self.json(*args, **kwargs)
        return {row['Name']: row['Preemptible'] for row in rows}

    def test_the_api_tells_which_are_preemptible(self):
        told = {'by-flavor': True, 'by-hint': True, 'normal': False}
        for microversion in '2.1', None:
            self.assertEqual(
                told,
                self.column(
                    self.with_opie, _LIST + '--long', microversion=microversion
                ),
            )
        rows = self.json(
            self.with_opie, _LIST + '--preemptible', microversion='2.75'
        )
        self.assertEqual(
            ['by-flavor', 'by-hint'], [row['Name'] for row in rows]
        )

    def test_another_api_shows_hints_and_flavors(self):
        self.assertEqual(
            {'by-flavor': True, 'by-hint': True, 'normal': False},
            self.column(self.plain, _LIST + _COLUMNS),
        )
        rows = self.json(self.plain, _LIST + '--preemptible')
        self.assertEqual(
            ['by-flavor', 'by-hint'], [row['Name'] for row in rows]
        )
        self.assertNotIn('Preemptible', rows[0])

    def test_what_an_old_microversion_hides_is_not_known(self):
        unknown = dict.fromkeys(('by-flavor', 'by-hint', 'normal'))
        for microversion, told in (
            ('2.46', unknown),
            ('2.47', {**unknown, 'by-flavor': True}),
        ):
            self.assertEqual(
                told,
                self.column(
                    self.plain, _LIST + '--long', microversion=microversion
                ),
            )
        said = self.refusal(
            self.plain, _LIST + '--preemptible', microversion='2.47'
        )
        self.assertIn('did not tell of 2 of the servers', said)

    def test_the_column_costs_no_request(self):
        paths = []
        for options in '', '--long', '--preemptible':
            self.plain.paths.clear()
            self.json(self.plain, _LIST + options)
            paths.append(list(self.plain.paths))
        self.assertEqual(2, paths[0].count('/v2.1/servers/detail'), paths[0])
        self.assertEqual([paths[0]] * 3, paths)

    def test_every_format_has_the_column(self):
        command = _LIST + _COLUMNS + '-f '
        told = [
            ['by-flavor', 'True'],
            ['by-hint', 'True'],
            ['normal', 'False'],
        ]
        text = self.text(self.with_opie, command + 'csv')
        self.assertEqual(
            [['Name', 'Preemptible'], *told],
            list(csv.reader(io.StringIO(text))),
        )
        text = self.text(self.with_opie, command + 'value')
        self.assertEqual(told, [line.split() for line in text.splitlines()])
        text = self.text(self.with_opie, command + 'table')
        self.assertEqual(
            told, [line.split()[1:4:2] for line in text.splitlines()[3:-1]]
        )
        rows = yaml.safe_load(self.text(self.with_opie, command + 'yaml'))
        self.assertEqual(
            [True, True, False], [row['Preemptible'] for row in rows]
        )


class ServerShowTest(_ServersTestCase):
    def test_the_field_of_a_server_by_name_or_by_id(self):
        by_flavor, by_hint, _normal = (item['id'] for item in self.servers)
        for cloud, name, microversion, told in (
            (self.with_opie, 'by-hint', '2.1', True),
            (self.with_opie, 'normal', '2.1', False),
            (self.plain, by_hint, None, True),
            (self.plain, 'normal', None, False),
            (self.plain, by_flavor, '2.47', True),
            (self.plain, 'normal', '2.47', None),
        ):
            shown = self.json(
                cloud, 'server show ' + name, microversion=microversion
            )
            self.assertIs(told, shown['preemptible'], (name, microversion))

    def test_diagnostics_are_as_they_were(self):
        self.policy.set_rules(
            {'os_compute_api:os-server-diagnostics': '@'}, overwrite=False
        )
        shown = self.json(self.plain, 'server show --diagnostics by-hint')
        self.assertNotIn('preemptible', shown)

    def test_every_format_has_the_field(self):
        command = 'server show by-hint -c preemptible -f '
        text = self.text(self.with_opie, command + 'yaml')
        self.assertEqual('preemptible: true\n', text)
        text = self.text(self.with_opie, command + 'table')
        self.assertIn('| preemptible | True ', text)
