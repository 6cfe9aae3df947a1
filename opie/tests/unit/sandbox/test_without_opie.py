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

"""A cloud without opie has nova's own pipeline and scheduler."""

import tempfile
import unittest

from opie.sandbox import home
from opie.sandbox import settings
from opie.sandbox import site
from opie.sandbox.services import everything
from opie.sandbox.services import nova_api
from opie.sandbox.services import scheduler


class WithoutOpieTest(unittest.TestCase):
    def services(self, **changes):
        with tempfile.TemporaryDirectory() as folder:
            return {
                'nova-api': nova_api.make_service(self.site(folder, changes)),
                **{
                    item.name: item
                    for item in scheduler.make_services(
                        self.site(folder, changes)
                    )
                },
            }

    def site(self, folder, changes):
        ports = dict.fromkeys(everything.PORTS, 1)
        return site.Site(
            home.Home(folder), settings.Settings(**changes), 'secret', ports
        )

    def test_nothing_of_opie_is_left(self):
        services = self.services(has_opie=False)
        (program, *_) = services['nova-scheduler-1'].command
        self.assertTrue(program.endswith('/nova-scheduler'), program)
        for service in services.values():
            for path, text in service.files.items():
                self.assertNotIn('opie.', text, path)
                self.assertNotIn('[opie]', text, path)
                self.assertNotIn('preemptible', text, path)

    def test_with_it_both_are_opies(self):
        services = self.services()
        (program, *_) = services['nova-scheduler-1'].command
        self.assertTrue(program.endswith('/opie-nova-scheduler'), program)
        text = '\n'.join(services['nova-api'].files.values())
        for part in ('opie.scheduler', '[opie]', 'preemptible osapi_compute'):
            self.assertIn(part, text)

    def test_options_of_a_user_count_in_both(self):
        options = {'filter_scheduler': {'max_instances_per_host': '7'}}
        for has_opie in (True, False):
            services = self.services(has_opie=has_opie, nova_options=options)
            text = '\n'.join(services['nova-api'].files.values())
            self.assertIn('max_instances_per_host = 7', text)
