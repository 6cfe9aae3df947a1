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

"""What pass 2 must know of pass 1, for each thread that serves requests."""

import threading
import typing

import nova.conf

from opie.scheduler import steps

CONF = nova.conf.CONF


class Watch(threading.local):
    """Watches nova's own scheduling of the request that a thread serves.

    :ivar has_placement_answered: False when placement did not say which hosts
        have room, so that NoValidHost does not mean a full cloud.
    :ivar is_room_hidden: whether placement named as many candidates as nova
        asks for at the most, so that others may have room.
    :ivar has_notified_start: whether the notification that a selection has
        started was sent.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the last request that this thread has served."""
        self.has_placement_answered = True
        self.is_room_hidden = False
        self.has_notified_start = False

    def client(self, report_client: typing.Any) -> typing.Any:
        """Return a report client that tells this watch of its answers."""
        return _WatchedClient(report_client, self)


class _WatchedClient:
    """nova's report client, which tells a watch what placement answers."""

    def __init__(self, report_client: typing.Any, watch: Watch) -> None:
        self._report_client = report_client
        self._watch = watch

    def __getattr__(self, name: str) -> typing.Any:
        return getattr(self._report_client, name)

    @steps.step('sees whether to preempt')
    def get_allocation_candidates(
        self, *args: typing.Any, **kwargs: typing.Any
    ) -> typing.Any:
        """Ask as nova does, and note whether and what placement answers."""
        answer = self._report_client.get_allocation_candidates(*args, **kwargs)
        # NOTE: nova/scheduler/client/report.py returns None when it could not
        # connect, and three of them after any answer but 200.
        if answer is None or answer[0] is None:
            self._watch.has_placement_answered = False
        elif len(answer[0]) >= CONF.scheduler.max_placement_results:
            self._watch.is_room_hidden = True
        return answer
