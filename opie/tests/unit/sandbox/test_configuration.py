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

"""What the services of a cloud are told, by the cloud's size."""

import configparser
import tempfile
import unittest

from opie.sandbox import home
from opie.sandbox import settings
from opie.sandbox import site
from opie.sandbox.services import compute
from opie.sandbox.services import everything
from opie.sandbox.services import keystone


class ConfigurationTest(unittest.TestCase):
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

    def read(self, *texts):
        parser = configparser.ConfigParser(interpolation=None)
        for text in texts:
            parser.read_string(text)
        return parser

    def compute(self, **changes):
        """Return what the first compute process reads."""
        (service, *_) = compute.make_services(self.site(**changes))
        texts = [
            text
            for path, text in service.files.items()
            if path.suffix == '.conf'
        ]
        return self.read(*texts)['DEFAULT']

    def test_nova_is_told_what_the_settings_derive(self):
        found = self.compute(hosts=50)
        self.assertEqual('10', found['report_interval'])
        self.assertEqual('50', found['service_down_time'])

    def test_hosts_of_a_small_cloud_look_at_their_resources_as_novas_do(self):
        for hosts in (1, 5, 10):
            found = self.compute(hosts=hosts)
            self.assertEqual('60', found['update_resources_interval'])

    def test_many_hosts_look_at_their_resources_less_often(self):
        found = self.compute(hosts=50)
        self.assertEqual('300', found['update_resources_interval'])

    def test_an_option_of_a_user_is_not_undone_by_the_computes_own_file(self):
        options = {'DEFAULT': {'update_resources_interval': 7}}
        found = self.compute(hosts=50, nova_options=options)
        self.assertEqual('7', found['update_resources_interval'])

    def test_keystone_has_a_cache_that_all_requests_share(self):
        service = keystone.make_service(self.site())
        texts = {path.name: text for path, text in service.files.items()}
        self.assertEqual(
            'dogpile.cache.memory_pickle',
            self.read(texts['keystone.conf'])['cache']['backend'],
        )
        # Another process would go on with what this one has changed.
        self.assertIn('workers = 1\n', texts['gunicorn.conf.py'])
