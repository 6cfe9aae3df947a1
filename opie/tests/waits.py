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

"""Lets tests wait a minute for changes that usually take a second or two.

nova's own waits are over after 5 seconds, which is too little on a busy
machine.
"""

from opie.sandbox.inprocess import harness

WAIT_SECONDS = 60

_PAUSE_SECONDS = 0.5
_CHECKS = int(WAIT_SECONDS / _PAUSE_SECONDS)
# NOTE: of waits in nova/tests/functional/integrated_helpers.py.
_CHECKS_OF_NOVA = 10
_CHECKS_OF_NOVA_FOR_A_DELETION = 40


class PatientTestCase(harness.Harness):
    """Waits in nova's words, for longer."""

    def _wait_for_assert(
        self, assert_func, max_retries=_CHECKS, sleep=_PAUSE_SECONDS
    ):
        return super()._wait_for_assert(assert_func, max_retries, sleep)

    def _wait_for_server_parameter(
        self, server, expected_params, max_retries=_CHECKS, **kwargs
    ):
        return super()._wait_for_server_parameter(
            server, expected_params, max_retries, **kwargs
        )

    def _wait_for_state_change(
        self, server, expected_status, max_retries=_CHECKS, **kwargs
    ):
        return super()._wait_for_state_change(
            server, expected_status, max_retries, **kwargs
        )

    def _wait_for_migration_status(self, *args):
        wait = super()._wait_for_migration_status
        return self._wait_again(lambda: wait(*args))

    def _wait_for_instance_action_event(self, *args, **kwargs):
        wait = super()._wait_for_instance_action_event
        return self._wait_again(lambda: wait(*args, **kwargs))

    def _wait_until_deleted(self, server):
        wait = super()._wait_until_deleted
        self._wait_again(lambda: wait(server), _CHECKS_OF_NOVA_FOR_A_DELETION)

    def _wait_again(self, wait, checks=_CHECKS_OF_NOVA):
        """Let a wait that cannot be told how long begin anew."""
        return self._wait_for_assert(wait, _CHECKS // checks)
