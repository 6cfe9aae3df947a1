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

"""Services that fail from some step of a preemption on, in every way.

The services are back when the request has its answer.  The reaper then repairs
what is left.
"""

import json

from keystoneauth1 import exceptions as ks_exc
from oslo_db import exception as db_exc
import oslo_messaging
import requests

from opie.scheduler.claims import give_back
from opie.scheduler.nova_db import cell_index
from opie.tests.interruptions import crash_points
from opie.tests.interruptions import invariants
from opie.tests.interruptions import killer
from opie.tests.interruptions import scenarios
from opie.tests.interruptions import wire


def answer(status, code=None):
    """Return what placement says, when it says no."""
    response = requests.Response()
    response.status_code = status
    error = {'status': status, 'detail': 'a fault of the test', 'code': code}
    response._content = json.dumps({'errors': [error]}).encode()
    return response


def hangs(call, go):
    raise ks_exc.ConnectTimeout('timed out')


def loses_the_answer(call, go):
    go()
    raise ks_exc.ConnectFailure('the connection was cut')


def conflicts(call, go):
    return (
        answer(409, 'placement.concurrent_update') if call.is_write else go()
    )


def database_is_gone(call, go):
    raise db_exc.DBConnectionError('gone')


def broker_is_gone(call, go):
    raise oslo_messaging.MessageDeliveryFailure('gone')


def is_of_placement(call):
    return call.what.split()[0] in ('GET', 'POST', 'PUT', 'DELETE') and (
        ' /' in call.what
    )


def is_of_the_database(call):
    return call.what.split()[0] in ('SELECT', 'INSERT', 'UPDATE')


def is_of_the_broker(call):
    return call.what.startswith('SEND')


class FaultsMixin(crash_points.CrashMixin):
    """Lets a scheduler's calls fail, and checks the cloud."""

    def setUp(self):
        # A slot that is not given back is missed at once.
        self.flags(max_concurrent_preemptions=1, group='opie')
        super().setUp()
        # A cell that did not answer is asked again for the next request.
        self.patch(cell_index, 'SILENT_SECONDS', 0)
        self.wrap(
            give_back,
            'give_back',
            lambda real, *args, **kwargs: real(
                *args, **{'patience_seconds': 1, **kwargs}
            ),
        )
        self.flags(preemption_timeout_seconds=15, group='opie')

    def fail_in_each_step(self, fault, is_concerned):
        """Let some calls fail from each step on, and check what is left.

        :param fault: called with a call and what lets it happen.
        :param is_concerned: tells which calls.
        """
        for scenario in (scenarios.Scenario, scenarios.Undone):
            one = scenario(self)
            one.arrange()
            reached = [
                call.step
                for call in (
                    point.call for point in self.interrupt(one).points
                )
                if is_concerned(call)
            ]
            self.repair()
            for step in dict.fromkeys(reached):
                is_new = scenario is scenarios.Scenario
                if is_new or step == 'gives back':
                    self.fail_from(step, one, fault, is_concerned)
        self.assert_it_preempts()

    def fail_from(self, step, scenario, fault, is_concerned):
        """Let some calls fail from a step of the protocol on.

        The same scheduler goes on, so that a lock or a place among those that
        preempt that it keeps is missed the next time.
        """
        failed = []

        def hear(call, go):
            if call.path[0] != killer.PREEMPTION or not is_concerned(call):
                return self.let(scenario, call, go)
            if not failed and call.step != step:
                return self.let(scenario, call, go)
            failed.append(call)
            return fault(call, go)

        self.disturb(scenario, hear)
        self.assertTrue(failed, step)
        self.repair_after('from %r on' % step)

    def disturb(self, scenario, hear):
        """Do a scenario, and let a function hear of its calls."""
        scenario.arrange()
        wire.listen(hear)
        try:
            scenario.act()
        finally:
            wire.listen(None)
            scenario.relieve()
        self.assertEqual([], invariants.over_capacity(self))

    def repair_after(self, text):
        try:
            self.repair()
        except AssertionError as exc:
            raise AssertionError('%s: %s' % (text, exc)) from exc

    def assert_it_preempts(self):
        """Check that the scheduler does what it did before all that."""
        one = scenarios.Scenario(self)
        one.arrange()
        one.act()
        self.assertEqual({'ACTIVE'}, self.statuses('preemptor'))
        self.repair()

    def let(self, scenario, call, go):
        answer = go()
        if call.path[0] == killer.PREEMPTION:
            scenario.after(call)
        return answer
