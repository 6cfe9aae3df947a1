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

"""Records the scheduler's plans, and the values they were made from."""

import dataclasses

import fixtures

from opie.preemption import cost
from opie.preemption import model
from opie.preemption import planner


@dataclasses.dataclass(frozen=True)
class Decision:
    """One plan, and what it was made from.

    :ivar hosts: as the cloud knew them just before, the planner's estimates
        being none of them.
    """

    request: model.Request
    hosts: tuple[model.Host, ...]
    cost: cost.Cost
    plan: model.Plan

    def plan_on(self, host):
        """Return the plan that there would have been on one host alone.

        The cloud's filters are left out, which is right where all of them
        let every host pass.
        """
        return planner.make_plan(
            self.request, [host], self.cost, _AsGiven(host)
        )


class _AsGiven:
    """The live cloud of one host, which is as it was given."""

    def __init__(self, host):
        self._host = host

    def read(self, uuids):
        return {self._host.provider: self._host}

    def why_refused(self, provider, gone, nominations, taking=None):
        return None

    def with_free(self, some):
        return {self._host.provider}

    def unfit_ones(self, uuids):
        return {}

    def is_search_over(self):
        return False

    def is_time_over(self):
        return False


class DecisionsFixture(fixtures.Fixture):
    """Records each plan that the planner makes.

    :ivar decisions: a list of :class:`Decision`, the latest last.
    """

    def _setUp(self):
        self.decisions = []
        make_plan = planner.make_plan

        def recorded(request, hosts, cost, cloud):
            hosts = tuple(hosts)
            read = cloud.read(tuple(host.provider for host in hosts)).values()
            plan = make_plan(request, hosts, cost, cloud)
            known = tuple(
                host for host in read if isinstance(host, model.Host)
            )
            self.decisions.append(Decision(request, known, cost, plan))
            return plan

        self.useFixture(
            fixtures.MonkeyPatch('opie.preemption.planner.make_plan', recorded)
        )
