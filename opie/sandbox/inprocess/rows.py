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

"""The rows of the demo's tables: a row a server, in a group for each host."""

_SECONDS_PER_MINUTE = 60
_MINUTES_PER_HOUR = 60

HOST_COLUMNS = (
    'host',
    'VCPU used',
    'server',
    'VCPU',
    'kind',
    'has run',
    'status',
)
COST_COLUMNS = ('host', 'preemptible', 'VCPU', 'has run', 'cost', 'plan')


def of_hosts(usages, servers, now):
    """Return the groups under HOST_COLUMNS.

    :param usages: name of a host to (VCPU in use, VCPU in all).
    :param servers: :class:`opie.sandbox.inprocess.servers.Seen` values.
    :param now: an aware datetime.
    """
    return [
        _group(
            (host, '%d of %d' % usage),
            [
                (
                    server.name,
                    server.vcpus,
                    'preemptible' if server.is_preemptible else 'normal',
                    _duration((now - server.launched_at).total_seconds()),
                    server.status,
                )
                for server in sorted(servers, key=lambda item: item.name)
                if server.host == host
            ],
        )
        for host, usage in sorted(usages.items())
    ]


def of_costs(decision, names):
    """Return the groups under COST_COLUMNS.

    :param decision: a :class:`opie.sandbox.inprocess.decisions.Decision`.
    :param names: uuid of a host's provider or of a server to its name.
    """
    victims = {server.uuid for _, server in decision.plan.victims}
    return [
        _group(
            (names[host.provider],),
            [
                (
                    names[server.uuid],
                    server.held['VCPU'],
                    _duration(decision.cost.runtime_seconds(server)),
                    round(decision.cost.cost_of(server)),
                    'victim' if server.uuid in victims else 'stays',
                )
                for server in sorted(
                    host.potential_victims, key=lambda item: names[item.uuid]
                )
            ],
        )
        for host in sorted(
            decision.hosts, key=lambda host: names[host.provider]
        )
    ]


def _group(heads, rows):
    """Put heads before the first row, and nothing before the others."""
    blanks = ('',) * len(heads)
    return [
        (heads if index == 0 else blanks) + row
        for index, row in enumerate(rows)
    ]


def _duration(seconds):
    minutes = int(seconds) // _SECONDS_PER_MINUTE
    return '%d h %02d min' % divmod(minutes, _MINUTES_PER_HOUR)
