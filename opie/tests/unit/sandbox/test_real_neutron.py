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

"""A cloud with a real neutron, of which these tests need no part."""

from importlib import metadata
from importlib import util
import pathlib
import tempfile
import unittest
from unittest import mock

from opie.sandbox import cloud
from opie.sandbox import errors
from opie.sandbox import home
from opie.sandbox import settings
from opie.sandbox import site
from opie.sandbox.services import everything
from opie.sandbox.services import neutron
from opie.sandbox.services import nova

_DRIVERS = 'neutron.ml2.mechanism_drivers'


class RealNeutronTest(unittest.TestCase):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.home = home.Home(folder.name)

    def site(self, **changes):
        ports = dict.fromkeys(everything.PORTS, 1)
        return site.Site(
            self.home, settings.Settings(**changes), 'secret', ports
        )

    def make_service(self):
        """Return the service, as if neutron were installed."""
        paste = pathlib.Path(self.home.path) / 'api-paste.ini'
        paste.write_text('[composite:neutron]')
        with (
            mock.patch.object(util, 'find_spec', return_value=mock.Mock()),
            mock.patch.object(neutron, '_paste_file', return_value=paste),
        ):
            return neutron.make_service(self.site(has_neutron=True))

    def test_without_an_installed_one_up_says_how_to_install_it(self):
        with (
            mock.patch('opie.sandbox.programs.check'),
            mock.patch.object(util, 'find_spec', return_value=None),
            self.assertRaisesRegex(errors.Missing, 'pip install neutron'),
        ):
            cloud.SandboxCloud(self.home.path).up(has_neutron=True)

    def test_its_mechanism_driver_is_one_that_opie_installs(self):
        (text,) = (
            text
            for path, text in self.make_service().files.items()
            if path.name == 'neutron.conf'
        )
        (driver,) = (
            one
            for one in metadata.entry_points(group=_DRIVERS)
            if one.value.startswith('opie.')
        )
        self.assertIn('mechanism_drivers = %s\n' % driver.name, text)
        self.assertIsNotNone(util.find_spec(driver.module))

    def test_it_finds_its_pipeline_beside_its_settings(self):
        folders = {
            path.name: path.parent for path in self.make_service().files
        }
        self.assertEqual(folders['neutron.conf'], folders['api-paste.ini'])

    def test_nova_waits_for_what_a_real_one_tells_alone(self):
        for has_neutron in (True, False):
            files = nova.files(self.site(has_neutron=has_neutron), 'nova-api')
            waits = 'vif_plugging_timeout = 0' not in '\n'.join(files.values())
            self.assertEqual(has_neutron, waits)
