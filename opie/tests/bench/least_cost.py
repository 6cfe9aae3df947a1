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
"""The least cost of victims for many equal preemptors at once.

It is exact, because every server holds the same amount of each resource for
each of its VCPU: one number tells whether victims are enough.  The victims of
one host are found by dynamic programming over that number, and how many
preemptors each host is to take by the same over the hosts.  The planner has no
part in it.
"""

import math


def least(hosts, vcpus, number):
    """Return the least cost of victims that make room for some preemptors.

    :param hosts: for each host, without any room, the (VCPU, cost) of each of
        its servers.
    :param vcpus: of each preemptor.
    :param number: of preemptors.
    :returns: infinite if there are too few servers.
    """
    costs = [0] + [math.inf] * number
    for servers in hosts:
        of_host = _of_host(servers, vcpus)
        costs = [
            min(
                costs[total - here] + cost
                for here, cost in enumerate(of_host[: total + 1])
            )
            for total in range(number + 1)
        ]
    return costs[number]


def _of_host(servers, vcpus):
    """Return the least cost of room for 0, 1, 2 ... preemptors on a host."""
    total = sum(size for size, _ in servers)
    # The least cost of victims that have this many VCPU together.
    costs = [0] + [math.inf] * total
    for size, cost in servers:
        for freed in range(total, size - 1, -1):
            costs[freed] = min(costs[freed], costs[freed - size] + cost)
    return [min(costs[freed:]) for freed in range(0, total + 1, vcpus)]
