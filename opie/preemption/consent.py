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

"""What the cloud's filters say of several preemptors on one host.

All preemptors of a request are alike, so the next ones stand for whichever
will be nominated there.
"""

from opie.preemption import model
from opie.preemption import shares

_UNSPLITTABLE = (
    'placement would refuse what is left booked on a victim: min_unit, '
    'max_unit or step_size'
)


class Consent:
    """Asks the filters, and nothing twice, while nominations are the same.

    :param request: a :class:`model.Request`.
    :param cloud: a :class:`model.LiveCloud`.
    """

    def __init__(self, request, cloud):
        self._request = request
        self._cloud = cloud
        self._answers = {}

    def why_refused(self, host, before, number, servers):
        """Return why a host cannot take preemptors, or None if it can.

        :param host: the :class:`model.Host` as it is before anybody goes.
        :param before: the nominations that are taken for granted.
        :param number: how many more preemptors are to go there.
        :param servers: who would go for these.
        """
        _, here, gone = self._if_gone(host, before, number, servers)
        shared = shares.share_out(
            host,
            gone,
            [one.preemptor for one in here],
            self._request.resources,
        )
        if shared is None:
            return _UNSPLITTABLE
        return self.why_filtered(host, before, number, servers)

    def why_filtered(self, host, before, number, servers):
        """As :meth:`why_refused`, whether or not it would fit."""
        new, _, gone = self._if_gone(host, before, number, servers)
        uuids = frozenset(server.uuid for server in gone)
        for index in range(number):
            reason = self._ask(host.provider, uuids, (*before, *new[:index]))
            if reason is not None:
                return reason
        return None

    def _if_gone(self, host, before, number, servers):
        """Return (new nominations, all on the host, all who would go)."""
        names = self._request.preemptors[len(before) :][:number]
        new = nominations_of(names, host.provider, servers)
        here = [
            *(one for one in before if one.provider == host.provider),
            *new,
        ]
        return new, here, [server for one in here for server in one.victims]

    def _ask(self, uuid, gone, before):
        key = uuid, gone, len(before)
        if key not in self._answers:
            self._answers[key] = self._cloud.why_refused(uuid, gone, before)
        return self._answers[key]


def nominations_of(preemptors, host, servers):
    """Nominate preemptors to one host; the first one adds the victims."""
    return tuple(
        model.Nomination(preemptor, host, () if index else servers)
        for index, preemptor in enumerate(preemptors)
    )
