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

"""opie-nova-scheduler, which ends itself amid a preemption, once.

The environment says where: at the crash point whose text is OPIE_CRASH_POINT.
It then writes that to the file OPIE_CRASH_NOTE and is gone, without another
word to anybody.  While OPIE_CRASH_POINT is empty, it writes there every point
of a preemption that it comes to and whether it is a write.  Its reaper waits
for little.
"""

import os
import pathlib
import sys

from opie.cmd import nova_scheduler

MARGIN_SECONDS = 2
# Otherwise nova's own scheduling.
_PREEMPTING = 'filter_scheduler.FilterScheduler._make_room'


def main():
    """Start the scheduler service."""
    sys.argv[0] = nova_scheduler.as_nova_scheduler('opie-nova-scheduler')
    # NOTE: it must come before anything that imports eventlet.
    import nova.cmd.scheduler  # noqa: F401

    from opie.tests.faults import killer
    from opie.tests.faults import wire

    note = pathlib.Path(os.environ['OPIE_CRASH_NOTE'])
    text = os.environ['OPIE_CRASH_POINT']

    def is_time(point):
        if text:
            # Whoever is started again in its place lives on.
            return str(point) == text and not note.exists()
        if _PREEMPTING in point.call.path:
            with note.open('a') as lines:
                print(int(point.call.is_write), point, sep='\t', file=lines)
        return False

    def end(point):
        note.write_text(str(point))
        os._exit(1)

    the_killer = killer.Killer(killer.PREEMPTION, is_time, end=end)

    def hear(call, go):
        # It is imported once nova has read its options.
        reaper = sys.modules.get('opie.scheduler.reaper')
        if reaper:
            reaper.MARGIN_SECONDS = MARGIN_SECONDS
        return the_killer(call, go)

    wire.listen(hear)
    nova_scheduler.main()


if __name__ == '__main__':
    main()
