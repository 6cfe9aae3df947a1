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

"""Carries out the demo's preemption, and tells it step by step.

All that the demo tells is read at that moment: from nova's API, placement, the
scheduler's log, or the scheduler's plan.
"""

import datetime
import time

from oslo_utils import timeutils

from opie.sandbox.inprocess import rows
from opie.sandbox.inprocess import servers


def _preemptible(name, vcpus, host, hours, minutes):
    age = datetime.timedelta(hours=hours, minutes=minutes)
    return servers.Wanted(name, vcpus, host, age, is_preemptible=True)


_CROWD = (
    _preemptible('batch-1', 4, 'host1', 1, 59),
    _preemptible('batch-2', 4, 'host1', 0, 50),
    servers.Wanted('web-1', 2, 'host1', datetime.timedelta(hours=5)),
    _preemptible('batch-3', 4, 'host2', 0, 45),
    _preemptible('batch-4', 4, 'host2', 2, 1),
    _preemptible('batch-5', 2, 'host2', 3, 2),
)
_PREEMPTOR = servers.Wanted('db-1', 6)


class Story:
    """The demo, on a cloud with nothing on it.

    :param cloud: a :class:`opie.sandbox.inprocess.cloud.InProcessCloud`.
    :param decisions: a
        :class:`opie.sandbox.inprocess.decisions.DecisionsFixture`.
    :param log: a :class:`opie.sandbox.inprocess.logs.LogFixture`.
    :param narrator: a :class:`opie.sandbox.inprocess.narrator.Narrator`.
    """

    def __init__(self, cloud, decisions, log, narrator):
        self._cloud = cloud
        self._decisions = decisions
        self._log = log
        self._narrator = narrator

    def tell(self):
        """Play it and tell it, one step at each iteration.

        :raises servers.NotActive: if it comes out otherwise.
        """
        yield from self._fill()
        before = servers.all_of(self._cloud.api)
        self._show(before)
        yield
        preemptor, seconds = self._boot()
        yield
        names = {server.uuid: server.name for server in before.values()}
        names[preemptor.uuid] = preemptor.name
        self._explain({**names, **self._cloud.provider_names()})
        self._quote_log(names)
        self._narrator.say(
            '4. %s is %s on %s, %.1f seconds after its request:'
            % (preemptor.name, preemptor.status, preemptor.host, seconds)
        )
        self._show(servers.all_now(self._cloud.api, before))

    def _fill(self):
        self._narrator.say(
            '1. The hosts are filled. Most servers are created as preemptible:'
        )
        for vcpus in sorted({item.vcpus for item in (*_CROWD, _PREEMPTOR)}):
            servers.make_flavor(self._cloud.api, vcpus)
        responses = []
        for wanted in _CROWD:
            yield
            responses.append(self._cloud.api.post('/servers', wanted.body()))
        self._narrator.exchange(responses[0])
        now = timeutils.utcnow(with_timezone=True)
        for wanted, response in zip(_CROWD, responses, strict=True):
            yield
            uuid = response.json()['server']['id']
            servers.wait_until_active(self._cloud.api, uuid)
            self._cloud.set_launch_time(uuid, now - wanted.age)
        self._narrator.say(
            'Their launch times were set back in the database for this demo:'
        )

    def _show(self, seen):
        self._narrator.table(
            rows.HOST_COLUMNS,
            rows.of_hosts(
                self._cloud.vcpu_usages(),
                seen.values(),
                timeutils.utcnow(with_timezone=True),
            ),
        )

    def _boot(self):
        """Return the preemptor and the seconds from its request to ACTIVE."""
        self._narrator.say(
            '2. A normal server is asked for, and no host has room for it:'
        )
        start = time.monotonic()
        response = self._cloud.api.post('/servers', _PREEMPTOR.body())
        self._narrator.exchange(response)
        server = servers.wait_until_active(
            self._cloud.api, response.json()['server']['id']
        )
        return server, time.monotonic() - start

    def _explain(self, names):
        decision = self._decisions.decisions[-1]
        cost = decision.cost
        self._narrator.say(
            '3. Who gives way? Evicting a server costs %g, and up to %g more '
            'for the part of its billing period of %d s that it has begun and '
            'that is lost. Normal servers are never evicted.'
            % (
                cost.count_multiplier,
                cost.duration_multiplier,
                cost.billing_period_seconds,
            )
        )
        self._narrator.table(rows.COST_COLUMNS, rows.of_costs(decision, names))
        self._narrator.say('So making room would cost, on each of the hosts:')
        for line in _candidates(decision, names):
            self._narrator.note(line)

    def _quote_log(self, names):
        self._narrator.say(
            "The scheduler's log, with names put in the place of uuids:"
        )
        for line in self._log.messages('opie.scheduler'):
            if any(uuid in line for uuid in names):
                for uuid, name in names.items():
                    line = line.replace(uuid, name)
                self._narrator.note(line)


def _candidates(decision, names):
    """Yield a line for each host, with its victims and their cost."""
    nominated = {
        nomination.provider for nomination in decision.plan.nominations
    }
    for host in sorted(decision.hosts, key=lambda host: names[host.provider]):
        plan = decision.plan_on(host)
        victims = sorted(names[server.uuid] for _, server in plan.victims)
        yield '%s: %s, at a cost of %d%s' % (
            names[host.provider],
            ', '.join(victims) or 'none',
            round(plan.cost),
            ' <- nominated' if host.provider in nominated else '',
        )
