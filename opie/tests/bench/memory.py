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

"""Measures the memory that opie's scheduler keeps for a large cloud."""

import gc
import tracemalloc

import nova.conf

from opie.tests.bench import arms
from opie.tests.bench import computes
from opie.tests.bench import layout
from opie.tests.bench import managers
from opie.tests.bench import report

HOSTS = 12_500

CONF = nova.conf.CONF

_MIB = 2**20
_LINES = 15


def tell(people):
    """Print what is kept after one preemption was planned and claimed.

    nova's own record of who is where is off, so that opie's is not hidden
    behind it.  What nova and SQLAlchemy keep of their first calls counts in.
    """
    people.grow(HOSTS)
    people.analyze()
    CONF.set_override('track_instance_changes', False, 'filter_scheduler')
    tracemalloc.start()
    # The manager reads which server is where when it starts.
    opies = managers.make_opies()
    measured = arms.Arms(
        people, None, opies, computes.Computes(people.cell, [opies])
    )
    measured.preempt(people.flavors[layout.PREEMPTOR_VCPUS])
    gc.collect()
    kept, peak = tracemalloc.get_traced_memory()
    report.say(
        '\n%d hosts with %d preemptible servers: %.0f MiB are kept after a '
        'preemption, %.0f MiB at its peak; by the file that asked for it:'
        % (
            len(people.hosts),
            sum(len(host.servers) for host in people.hosts),
            kept / _MIB,
            peak / _MIB,
        )
    )
    statistics = tracemalloc.take_snapshot().statistics('filename')
    for entry in statistics[:_LINES]:
        report.say(
            '%10.1f MiB  %s' % (entry.size / _MIB, entry.traceback[0].filename)
        )
    tracemalloc.stop()
