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

"""Kills the scheduler of a cloud, and starts it again at once."""

import contextlib

from opie.scheduler import filter_scheduler
from opie.tests.interruptions import killer
from opie.tests.interruptions import wire


class DyingMixin:
    """For a :class:`base.CloudTestCase` of the functional tests."""

    def setUp(self):
        super().setUp()
        self._killer = None
        for name in ('select_destinations', '_reap'):
            self.wrap(filter_scheduler.FilterScheduler, name, self._enter)
        self.addCleanup(wire.listen, None)

    @contextlib.contextmanager
    def dying(self, the_killer):
        """Let a :class:`killer.Killer` hear of calls meanwhile."""
        self._killer = the_killer
        wire.listen(the_killer)
        try:
            yield
        finally:
            wire.listen(None)
            self._killer = None

    def _enter(self, real, *args, **kwargs):
        """Let the caller see an error, as when it gets no answer."""
        the_killer = self._killer
        try:
            try:
                return real(*args, **kwargs)
            finally:
                if the_killer:
                    the_killer.answer()
        except killer.Killed as exc:
            raise RuntimeError('killed %s' % exc) from exc
