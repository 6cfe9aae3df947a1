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

"""A scheduler that dies at every one of its I/O calls, in one process."""

from opie.tests.functional import crash_points
from opie.tests.functional import scenarios
from opie.tests.functional import test_crash_points

from opie.tests.faults import killer  # isort: skip


class EveryPoint(test_crash_points.Crashes):
    choose = staticmethod(killer.worth_it)


class FirstTest(EveryPoint, crash_points.CrashTestCase):
    scenario = scenarios.First


class SeveralTest(EveryPoint, crash_points.CrashTestCase):
    scenario = scenarios.Several


class UndoneTest(EveryPoint, crash_points.CrashTestCase):
    scenario = scenarios.Undone


class UndoneHalfwayTest(EveryPoint, crash_points.CrashTestCase):
    scenario = scenarios.UndoneHalfway


class RepairedTest(EveryPoint, crash_points.CrashTestCase):
    scenario = scenarios.Repaired


class EmptiedTest(EveryPoint, crash_points.CrashTestCase):
    scenario = scenarios.Emptied


class ClosedTest(EveryPoint, crash_points.CrashTestCase):
    scenario = scenarios.Closed
