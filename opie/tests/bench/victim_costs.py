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
"""What the victims of a burst cost, compared with the least possible."""

import collections
import datetime
import time

import sqlalchemy as sa

from opie.preemption import cost
from opie.preemption import model
from opie.tests.bench import layout
from opie.tests.bench import least_cost


def read(cell_engine):
    """Return host name to server uuid to (VCPU, cost in millionths)."""
    its_cost = cost.Cost(
        billing_period_seconds=layout.BILLING_PERIOD_SECONDS, now=time.time()
    )
    with cell_engine.connect() as connection:
        rows = connection.execute(
            sa.text(
                'SELECT uuid, host, vcpus, launched_at FROM instances '
                'WHERE deleted = 0'
            )
        ).all()
    costs = collections.defaultdict(dict)
    for uuid, host, vcpus, launched_at in rows:
        server = model.Server(
            uuid,
            {'VCPU': vcpus},
            launched_at.replace(tzinfo=datetime.UTC).timestamp(),
        )
        costs[host][uuid] = vcpus, its_cost.millionths(server)
    return costs


def ratio(outcome, costs, vcpus):
    """Return what victims cost as a multiple of the least that they can cost.

    :param outcome: a :class:`bursts.Outcome`.
    :param costs: what :func:`read` has returned before.
    :param vcpus: of each request; the least is for as many as were served.
    :returns: None if no request was served.
    """
    if not outcome.served:
        return None
    by_uuid = {
        uuid: its_cost
        for servers in costs.values()
        for uuid, (_, its_cost) in servers.items()
    }
    least = least_cost.least(
        [list(servers.values()) for servers in costs.values()],
        vcpus,
        len(outcome.served),
    )
    return sum(by_uuid[uuid] for uuid in set(outcome.victims)) / least
