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

"""Databases of two clouds on one machine."""

import contextlib
import pathlib
import tempfile
import unittest

from opie.sandbox import home
from opie.sandbox import launcher
from opie.sandbox import ports
from opie.sandbox import processes
from opie.sandbox import record
from opie.sandbox import settings
from opie.sandbox import starting
from opie.sandbox import steps
from opie.sandbox.services import mariadb


class MariadbTest(unittest.TestCase):
    def make_site(self):
        # TMPDIR may be too long, because the path of a socket is short.
        folder = tempfile.TemporaryDirectory(prefix='opie-', dir='/tmp')
        self.addCleanup(folder.cleanup)
        its_home = home.Home(pathlib.Path(folder.name) / 'cloud')
        its_home.create()
        its_record = record.Record(
            {},
            settings.Settings(),
            ports=ports.choose((mariadb.NAME,), {}),
        )
        its_home.write(its_record)
        return starting.site_of(its_home, its_record)

    def test_one_that_starts_leaves_the_others_temporary_tables(self):
        site = self.make_site()
        launcher.run(site.home, mariadb.preparation(site), steps.Stop())
        with (
            launcher.running(site.home, mariadb.make_service(site)),
            contextlib.closing(mariadb.connect(mariadb.folder(site))) as one,
            one.cursor() as cursor,
        ):
            cursor.execute(
                'CREATE TEMPORARY TABLE mysql.one (id INT) ENGINE=Aria'
            )
            other = self.make_site()
            launcher.run(other.home, mariadb.preparation(other), steps.Stop())
            cursor.execute('DROP TEMPORARY TABLE mysql.one')
        self.assertEqual([], processes.of_home(site.home.path))
