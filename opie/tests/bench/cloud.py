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

from opie.tests.bench import mariadb
from opie.tests.bench import placement_http
from opie.tests.bench import population


@contextlib.contextmanager
def running():
    """Yield the :class:`population.Population` of a new cloud.

    :raises processes.Missing: if something is not installed.
    """
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(
            tempfile.TemporaryDirectory(prefix='opie-bench-')
        )
        database = stack.enter_context(mariadb.running(folder))
        with database.without_durability():
            url = stack.enter_context(
                placement_http.running(folder, database.url('placement'))
            )
            cell = nova_process.start(folder, database, url)
        people = population.Population(cell, database)
        stack.callback(people.close)
        yield people
