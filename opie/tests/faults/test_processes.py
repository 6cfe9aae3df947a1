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

"""A scheduler whose process is gone amid a preemption, or amid a repair.

os._exit ends the scheduler before each write, so once for each state that it
can leave behind.  Another scheduler is started, which must repair the cloud
within the deadline and two reaper intervals.  test_every_point.py has a
scheduler die at every single call, in one process.
"""

from opie.tests.faults import processes
from opie.tests.interruptions import killer


class ProcessTest(processes.ProcessCase):
    def test_a_process_that_is_gone(self):
        points = self.points()
        self.assertLess(10, len(points))
        for point in points:
            with self.subTest(point):
                self.crash_at(point)

    def crash_at(self, point):
        with self.dying_at(point):
            normal, victims = self.preempt()
            self.wait_for_death()
            self.recover(normal, victims)


class UndoneTest(processes.ProcessCase):
    """An administrator locks a victim, so everything is given back."""

    hold = 'POST /allocations'

    def test_a_process_that_is_gone(self):
        with self.dying_at('', hold=self.hold):
            normal, _ = self.preempt_and_lock()
            self.assertEqual(
                ['ERROR'], list(self.final_statuses([normal]).values())
            )
        told = self.told()
        claimed = [self.hold in point for _, point in told].index(True)
        points = [point for is_write, point in told[claimed + 1 :] if is_write]
        # One write gives back, and two close the journal.
        self.assertLessEqual(3, len(points))
        for point in points:
            with self.subTest(point):
                self.crash_at(point)

    def crash_at(self, point):
        with self.dying_at(point, hold=self.hold):
            normal, victims = self.preempt_and_lock()
            self.wait_for_death()
            self.recover(normal, victims)
        self.assertLessEqual(victims, self.watcher.placed())

    def preempt_and_lock(self):
        normal, victims = self.preempt()
        self.wait_for(lambda: self.assertTrue(self.held.exists()))
        self.compute('admin').lock_server(min(victims))
        self.go_on.touch()
        return normal, victims


class RepairTest(processes.ProcessCase):
    """The reaper undoes what was left between two evictions.

    One victim is gone, one is marked for deletion, and there is a claim.  No
    point is behind the last write, because the repair is done by then.
    """

    left_at = 'SEND terminate_instance #2:'

    def test_a_process_that_is_gone(self):
        self.left_at = next(
            point for point in self.points() if self.left_at in point
        )
        # Later, the reaper is to close no journal but the one that is left.
        self.wait_for(lambda: self.assertEqual(set(), self.watcher.journal()))
        normal, victims = self.leave()
        with self.dying_at('', killer.REAPER):
            self.recover(normal, victims)
            points = [point for is_write, point in self.told() if is_write]
        # One write gives back, two close the journal, and two ask again for
        # the deletion.
        self.assertLessEqual(5, len(points))
        for point in points:
            with self.subTest(point):
                self.crash_at(point)

    def leave(self):
        """Have a scheduler die amid a preemption."""
        with self.dying_at(self.left_at):
            normal, victims = self.preempt()
            self.wait_for_death()
        return normal, victims

    def crash_at(self, point):
        normal, victims = self.leave()
        with self.dying_at(point, killer.REAPER):
            self.wait_for_death()
            self.recover(normal, victims)
        self.assertEqual(set(), victims & self.watcher.placed())
