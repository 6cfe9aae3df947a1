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

"""Sets up everything that is measured, and removes it."""

import contextlib
import tempfile

# NOTE: chooses nova's threading, so before the rest of nova.
from opie.tests.bench import nova_process  # isort: skip

from opie.sandbox import home
from opie.sandbox import ports
from opie.sandbox import record as record_module
from opie.sandbox import settings
from opie.sandbox import starting
from opie.tests.bench import database
from opie.tests.bench import placement_http
from opie.tests.bench import population


@contextlib.contextmanager
def running():
    """Yield the :class:`population.Population` of a new cloud.

    :raises errors.Missing: if something is not installed.
    """
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(
            tempfile.TemporaryDirectory(prefix='opie-bench-')
        )
        the_site = _make_site(folder)
        data = stack.enter_context(database.running(the_site))
        with data.without_durability():
            url = stack.enter_context(placement_http.running(the_site))
            cell = nova_process.start(folder, data, url)
        people = population.Population(cell, data)
        stack.callback(people.close)
        yield people


def _make_site(folder):
    """Return where those servers are to be that the sandbox has as well."""
    the_home = home.Home(folder)
    the_home.create()
    record = record_module.Record(
        {},
        settings.Settings(),
        ports=ports.choose((database.NAME, placement_http.NAME), {}),
    )
    the_home.write(record)
    return starting.site_of(the_home, record)
