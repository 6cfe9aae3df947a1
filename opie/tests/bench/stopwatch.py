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

"""A stopwatch for wall-clock time and for time on processors.

The latter is that of this process and of all that it started, MariaDB and
placement among them; other work on the same machine changes it little.
"""

import gc
import os
import time

_TICKS_PER_SECOND = os.sysconf('SC_CLK_TCK')
# Positions of the fields after the name in /proc/<pid>/stat, from 0.
_PARENT, _USER, _SYSTEM = 1, 11, 12


class Stopwatch:
    """Measures one call.

    :ivar seconds: by the clock, None until it was stopped.
    :ivar cpu_seconds: on processors, in steps of a hundredth or so.
    """

    seconds = None
    cpu_seconds = None

    def start(self):
        # Otherwise the call pays for the garbage of others.
        gc.collect()
        self._cpu_began = _used_seconds()
        self._began = time.perf_counter()

    def stop(self):
        self.seconds = time.perf_counter() - self._began
        self.cpu_seconds = _used_seconds() - self._cpu_began


def _used_seconds():
    stats = {}
    for name in os.listdir('/proc'):
        if name.isdigit():
            try:
                with open('/proc/%s/stat' % name) as stat:
                    fields = stat.read().rpartition(') ')[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            stats[int(name)] = fields
    family = {os.getpid()}
    while True:
        more = {
            pid
            for pid, fields in stats.items()
            if int(fields[_PARENT]) in family
        } - family
        if not more:
            break
        family |= more
    return (
        sum(
            int(stats[pid][_USER]) + int(stats[pid][_SYSTEM]) for pid in family
        )
        / _TICKS_PER_SECOND
    )
