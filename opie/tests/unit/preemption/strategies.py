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


"""Random hosts, requests and filters: small, so that all can be searched.

Totals, amounts and runtimes come from few values each, so that ties, exact
fits and hosts over capacity are frequent.
"""

import dataclasses
import math

import hypothesis
from hypothesis import strategies as st

from opie.preemption import cost
from opie.preemption import model
from opie.tests.unit.preemption import builders

CLASSES = ('VCPU', 'MEMORY_MB', 'CUSTOM_GOLD')

# A slow machine is no failure, so there is no deadline.
SETTINGS = hypothesis.settings(
    deadline=None,
    max_examples=75,
    print_blob=True,
    suppress_health_check=(
        hypothesis.HealthCheck.too_slow,
        hypothesis.HealthCheck.filter_too_much,
    ),
)

multipliers = st.sampled_from((0.0, 1.0, 1000.0, -1000.0))
costs = st.builds(
    cost.Cost,
    multipliers,
    multipliers,
    st.just(3600),
    st.sampled_from((0.0, 0.0, 10.0)),
    st.sampled_from((0, 0, 1800)),
    avoids_failed_builds=st.sampled_from((True, True, False)),
)


@dataclasses.dataclass(frozen=True)
class Units:
    """The units of one resource class, the same on every host."""

    min_unit: int = 1
    max_unit: int = model.MAX_UNIT
    step_size: int = 1


@st.composite
def splittable_units(draw):
    """Draw units that allow any multiple of the step to be left over."""
    step_size = draw(st.sampled_from((1, 1, 1, 2, 3)))
    return Units(
        min_unit=draw(st.integers(1, step_size)),
        max_unit=draw(st.sampled_from((step_size * 4, model.MAX_UNIT))),
        step_size=step_size,
    )


def any_units():
    return st.builds(
        Units,
        min_unit=st.integers(1, 4),
        max_unit=st.sampled_from((8, model.MAX_UNIT)),
        step_size=st.integers(1, 3),
    )


def units_of_classes(units):
    return st.fixed_dictionaries(dict.fromkeys(CLASSES, units))


def _valid_amounts(units, most):
    return [
        amount
        for amount in range(units.min_unit, most + 1)
        if amount <= units.max_unit and amount % units.step_size == 0
    ]


@st.composite
def _held(draw, names, units_of):
    """Draw what a server holds, in valid units; not empty."""
    held = {
        name: draw(st.sampled_from(_valid_amounts(units_of[name], 8)))
        for name in names
        if draw(st.booleans())
    }
    if not held:
        held[names[0]] = _valid_amounts(units_of[names[0]], 8)[0]
    return held


@st.composite
def _inventory(draw, used, units):
    """Draw an inventory of about as much as is in use, or less."""
    ratio = draw(st.sampled_from((1.0, 0.5, 1.1, 1.5)))
    reserved = draw(st.sampled_from((0, 0, 1, 3)))
    room = draw(st.sampled_from((0, 0, 1, 2, 5, -1, -4)))
    return model.Inventory(
        total=math.ceil(max(0, used + room) / ratio) + reserved,
        reserved=reserved,
        allocation_ratio=ratio,
        **dataclasses.asdict(units),
    )


@st.composite
def _hosts(draw, number, units_of, most_servers):
    """Draw a host, perhaps without some class, perhaps over capacity."""
    names = [name for name in CLASSES if draw(st.integers(0, 9)) < 9]
    names = names or [CLASSES[0]]
    servers = [
        builders.server(
            'h%d-s%d' % (number, index),
            minutes=draw(st.sampled_from((0, 30, 59, 61, 119))),
            **draw(_held(names, units_of)),
        )
        for index in range(draw(st.integers(0, most_servers)))
    ]
    servers += [
        builders.leaving(
            'h%d-l%d' % (number, index), **draw(_held(names, units_of))
        )
        for index in range(draw(st.sampled_from((0, 0, 0, 1, 2, 3))))
    ]
    busy = {name: draw(st.sampled_from((0, 0, 1, 3))) for name in names}
    inventories = {
        name: draw(
            _inventory(
                busy[name]
                + sum(server.held.get(name, 0) for server in servers),
                units_of[name],
            )
        )
        for name in names
    }
    return builders.host(
        'h%d' % number,
        *servers,
        busy=busy,
        preference=draw(st.integers(0, 1)),
        failed_builds=draw(st.sampled_from((0, 0, 0, 1, 2))),
        **inventories,
    )


@st.composite
def host_lists(draw, units_of, most_hosts=3, most_servers=5):
    return [
        draw(_hosts(number, units_of, most_servers))
        for number in range(draw(st.integers(1, most_hosts)))
    ]


@st.composite
def requests(draw, units_of, most_preemptors=1):
    """Draw a request; its amounts are seldom no valid units."""
    names = draw(
        st.lists(st.sampled_from(CLASSES), min_size=1, max_size=3, unique=True)
    )
    resources = {
        name: draw(st.sampled_from(_valid_amounts(units_of[name], 6)))
        for name in names
    }
    if draw(st.integers(0, 19)) == 19:
        resources[names[0]] = draw(st.integers(1, 9))
    number = draw(st.integers(1, most_preemptors))
    return builders.request(
        *('p%d' % index for index in range(number)), **resources
    )


@dataclasses.dataclass(frozen=True)
class Filters:
    """Filters that count what stays on a host.

    :ivar servers_on: host uuid to the uuids of its potential victims and
        leaving servers.
    :ivar must_go: servers that may not stay, such as a member of the
        request's anti-affinity group.
    :ivar most_staying: how many servers may stay on a host.
    :ivar one_must_stay: where it is not empty, one of these has to stay on
        the host, such as a member of the request's affinity group.
    """

    servers_on: dict
    must_go: frozenset = frozenset()
    most_staying: int = 1000
    one_must_stay: frozenset = frozenset()

    def __call__(self, host, gone, nominations):
        stays = self.servers_on[host] - gone
        if stays & self.must_go:
            return 'anti-affinity'
        if len(stays) > self.most_staying:
            return 'too many servers'
        if self.one_must_stay and not stays & self.one_must_stay:
            return 'affinity'
        return None


@st.composite
def filters(draw, hosts):
    servers_on = {
        host.provider: frozenset(
            one.uuid for one in host.potential_victims + host.leaving
        )
        for host in hosts
    }
    all_servers = sorted(frozenset().union(*servers_on.values()))
    if not all_servers:
        return Filters(servers_on)
    some = st.frozensets(st.sampled_from(all_servers), max_size=2)
    # Of a group that wants a server to stay, leaving ones are no members.
    staying = sorted(
        one.uuid for host in hosts for one in host.potential_victims
    )
    some_that_stay = (
        st.frozensets(st.sampled_from(staying), max_size=2)
        if staying
        else st.just(frozenset())
    )
    return Filters(
        servers_on,
        must_go=draw(some),
        most_staying=draw(st.sampled_from((1000, 0, 1, 3))),
        one_must_stay=draw(st.one_of(st.just(frozenset()), some_that_stay)),
    )


@st.composite
def problems(
    draw, units=splittable_units, most_preemptors=1, costs=costs, **limits
):
    """Draw (hosts, request, cost)."""
    units_of = draw(units_of_classes(units()))
    return (
        draw(host_lists(units_of, **limits)),
        draw(requests(units_of, most_preemptors)),
        draw(costs),
    )


@st.composite
def filtered_problems(draw, **limits):
    """Draw (hosts, request, cost, filters)."""
    hosts, request, its_cost = draw(problems(**limits))
    return hosts, request, its_cost, draw(filters(hosts))
