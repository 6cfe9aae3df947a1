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


"""Lets a test act at a chosen moment of a preemption."""

from opie.scheduler.claims import claim
from opie.scheduler.preempting import attempt
from opie.scheduler.preempting import confirmation
from opie.tests.interruptions import invariants

BEFORE_CLAIM = claim.Claim, 'prepare'
BEFORE_EVICTION = attempt.Attempt, 'evict'
WHILE_VICTIMS_GO = confirmation.Confirmation, 'wait'


class MeanwhileMixin:
    """For a :class:`base.CloudTestCase`."""

    def meanwhile(self, moment, action):
        """Do something once, before a method of :mod:`opie.scheduler`.

        :param moment: (owner, name) of the method.
        """

        def act(real, *args):
            action()
            return real(*args)

        return self.wrap_once(*moment, act)

    def assertSound(self):
        self.reap()
        invariants.assert_sound(self)
