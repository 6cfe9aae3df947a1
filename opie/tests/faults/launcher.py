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

"""opie-nova-scheduler, which ends itself amid its work, once.

The environment says where.  OPIE_CRASH_ENTRY is a preemption or the reaper,
and OPIE_CRASH_POINT is the text of one of its crash points.  The scheduler
writes the point to the file OPIE_CRASH_NOTE and ends at once.  While
OPIE_CRASH_POINT is empty, it writes there every point that it comes to, and
whether the point is a write.  Its reaper's intervals are short.

After the first call that OPIE_CRASH_HOLD names, if any, the scheduler waits
until the test has made a file; see :func:`hold_files`.
"""

import os
import pathlib
import sys
import time

from opie.cmd import nova_scheduler

MARGIN_SECONDS = 2
# The steps of calls of nova's own scheduling.
_NOT_YET = (None, 'sees whether to preempt')
_HELD_SECONDS = 0.05


def hold_files(note):
    """Return (the file that tells that it waits, the file that ends this).

    :param note: the path OPIE_CRASH_NOTE.
    """
    return note.with_suffix('.held'), note.with_suffix('.go')


class Orders:
    """The scheduler's orders, from its environment.

    :param entry: the one whose points all count; of others, those that
        preempt.
    """

    def __init__(self, entry):
        self.entry = os.environ['OPIE_CRASH_ENTRY']
        self._is_all = self.entry == entry
        self._text = os.environ['OPIE_CRASH_POINT']
        self._hold = os.environ['OPIE_CRASH_HOLD']
        self._note = pathlib.Path(os.environ['OPIE_CRASH_NOTE'])
        self._held, self._go_on = hold_files(self._note)

    def is_time(self, point):
        if self._text:
            # The scheduler that is started in its place lives on.
            return str(point) == self._text and not self._note.exists()
        if self._is_all or point.call.step not in _NOT_YET:
            with self._note.open('a') as lines:
                print(int(point.call.is_write), point, sep='\t', file=lines)
        return False

    def after(self, call):
        if call.what == self._hold and not self._held.exists():
            self._held.touch()
            while not self._go_on.exists():
                time.sleep(_HELD_SECONDS)

    def end(self, point):
        self._note.write_text(str(point))
        os._exit(1)


def main():
    """Start the scheduler service."""
    sys.argv[0] = nova_scheduler.as_nova_scheduler('opie-nova-scheduler')
    # NOTE: it must come before anything that imports eventlet.
    import nova.cmd.scheduler  # noqa: F401

    from opie.tests.interruptions import killer
    from opie.tests.interruptions import wire

    orders = Orders(killer.REAPER)
    the_killer = killer.Killer(
        orders.entry, orders.is_time, orders.after, orders.end
    )

    def hear(call, go):
        # It is imported once nova has read its options.
        findings = sys.modules.get('opie.scheduler.repair.findings')
        if findings:
            findings.MARGIN_SECONDS = MARGIN_SECONDS
        return the_killer(call, go)

    wire.listen(hear)
    nova_scheduler.main()


if __name__ == '__main__':
    main()
