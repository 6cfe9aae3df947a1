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

"""Requests of which the tree of a host tells what could be taken."""

import dataclasses

import hypothesis
from hypothesis import strategies as st
import testtools

from opie.preemption import model
from opie.preemption import planner
from opie.tests.unit.preemption import builders
from opie.tests.unit.preemption import oracle
from opie.tests.unit.preemption import strategies

_DEVICES = ('GPU@a', 'GPU@b', 'GPU@c')


def _taking(device, vcpu):
    return model.Taking({'VCPU': vcpu, device: 1}, (('1', (device[-1],)),))


def _unread(host):
    """Return a host of which only the root is known.

    Whether there may be room is known before a request preempts.
    """
    has_room = any(
        oracle.fits(host, taking.amounts, ()) for taking in host.takings
    )
    servers = [
        dataclasses.replace(server, held={'VCPU': server.held['VCPU']})
        for server in host.potential_victims
    ]
    return dataclasses.replace(
        host,
        inventories={'VCPU': host.inventories['VCPU']},
        potential_victims=tuple(servers),
        leaving=(),
        takings=None,
        is_worth_reading=bool(host.leaving) or has_room,
    )


@st.composite
def _hosts(draw, vcpu):
    hosts = []
    for number in range(draw(st.integers(1, 3))):
        servers = []
        for index in range(draw(st.integers(0, 4))):
            held = {'VCPU': draw(st.integers(1, 3))}
            if draw(st.booleans()):
                held[draw(st.sampled_from(_DEVICES))] = 1
            uuid = '%d%d' % (number, index)
            kind = draw(st.sampled_from(['server', 'server', 'leaving']))
            servers.append(
                builders.leaving(uuid, **held)
                if kind == 'leaving'
                else builders.server(uuid, draw(st.integers(0, 300)), **held)
            )
        busy = {
            device: draw(st.integers(0, 1)) for device in ('VCPU', *_DEVICES)
        }
        held = [one.held for one in servers]
        totals = {
            device: max(1, sum(one.get(device, 0) for one in held))
            + busy[device] * draw(st.integers(0, 1))
            for device in _DEVICES
        }
        # A device that servers share is as large as they need.
        for device, total in totals.items():
            used = sum(one.get(device, 0) for one in held) + busy[device]
            totals[device] = max(total, used)
        cores = sum(one['VCPU'] for one in held) + busy['VCPU']
        host = builders.host(
            'host%d' % number,
            *servers,
            busy=busy,
            VCPU=cores + draw(st.integers(0, 2)),
            **totals,
        )
        gone = servers
        takings = [
            _taking(device, vcpu)
            for device in _DEVICES
            if oracle.fits(host, {'VCPU': vcpu, device: 1}, gone)
        ]
        hosts.append(dataclasses.replace(host, takings=tuple(takings)))
    return hosts


class _Cloud(builders.FakeCloud):
    """Its filters refuse one device."""

    refused = None

    def why_refused(self, provider, gone, nominations, taking=None):
        if self.refused in taking.amounts:
            return 'refused'
        return None


class LeastCostTest(testtools.TestCase):
    @strategies.SETTINGS
    @hypothesis.given(
        st.integers(1, 4).flatmap(
            lambda vcpu: st.tuples(st.just(vcpu), _hosts(vcpu))
        ),
        st.sampled_from([None, *_DEVICES]),
    )
    def test_no_other_plan_costs_less(self, problem, refused):
        vcpu, hosts = problem
        request = model.Request(
            ('preemptor',), {'VCPU': vcpu, 'GPU': 1}, is_spread=True
        )
        cloud = _Cloud({host.provider: host for host in hosts}, None)
        cloud.refused = refused
        plan = planner.make_plan(
            request, [_unread(host) for host in hosts], builders.USUAL, cloud
        )
        options = [
            oracle.least(host, taking.amounts, builders.USUAL)
            for host in hosts
            for taking in host.takings
            if refused not in taking.amounts
        ]
        options = [option for option in options if option is not None]
        self.assertEqual(bool(options), plan.is_feasible)
        if not options:
            return
        gone = oracle.evicted(plan)
        (nomination,) = plan.nominations
        self.assertEqual(
            min(options),
            (
                0,
                sum(map(builders.USUAL.is_young, gone)),
                sum(map(builders.USUAL.millionths, gone)),
                len(gone),
            ),
        )
        host = cloud.hosts[nomination.provider]
        self.assertTrue(
            oracle.fits(
                host,
                nomination.taking.amounts,
                [server for _, server in plan.victims],
            )
        )
        self.assertNotIn(refused, nomination.taking.amounts)


class SeveralTest(testtools.TestCase):
    def check(self, number, is_feasible):
        servers = [
            builders.server('v%s' % device[-1], VCPU=1, **{device: 1})
            for device in _DEVICES
        ]
        host = builders.host(
            'host', *servers, VCPU=3, **dict.fromkeys(_DEVICES, 1)
        )
        host = dataclasses.replace(
            host,
            takings=tuple(_taking(device, 1) for device in _DEVICES),
        )
        request = model.Request(
            tuple('p%d' % index for index in range(number)),
            {'VCPU': 1, 'GPU': 1},
            is_spread=True,
        )
        cloud = _Cloud({'host': host}, None)
        plan = planner.make_plan(
            request, [_unread(host)], builders.USUAL, cloud
        )
        self.assertEqual(is_feasible, plan.is_feasible)
        return plan

    def test_each_takes_a_device_of_its_own(self):
        plan = self.check(3, True)
        taken = [set(one.taking.amounts) for one in plan.nominations]
        self.assertEqual(set(_DEVICES), set().union(*taken) - {'VCPU'})
        self.assertEqual(3, len(plan.victims))

    def test_there_are_no_more_than_devices(self):
        self.check(4, False)


class ReasonTest(testtools.TestCase):
    """Why there is no plan, where the tree itself could serve the request."""

    def reason(self, device, refused=None):
        """Return the reason where three of a victim's four units are taken.

        :param device: the inventory of these units.
        """
        victim = builders.server('v', VCPU=1, **{'GPU@a': 4})
        host = dataclasses.replace(
            builders.host('host', victim, VCPU=2, **{'GPU@a': device}),
            takings=(model.Taking({'VCPU': 1, 'GPU@a': 3}, ()),),
        )
        request = model.Request(
            ('preemptor',), {'VCPU': 1, 'GPU': 3}, is_spread=True
        )
        cloud = _Cloud({'host': host}, None)
        cloud.refused = refused
        plan = planner.make_plan(
            request, [_unread(host)], builders.USUAL, cloud
        )
        return plan.reasons['host']

    def test_what_would_be_left_to_a_victim_is_not_allowed(self):
        device = builders.inventory(4, used=4, min_unit=3)
        self.assertIn(
            'placement would refuse what is left', self.reason(device)
        )

    def test_filters_refuse(self):
        device = builders.inventory(4, used=4)
        self.assertEqual('refused', self.reason(device, refused='GPU@a'))


class TogetherTest(testtools.TestCase):
    """Members of a group with affinity, each of which asks for a device."""

    def host(self, name, minutes, devices):
        servers = [
            builders.server(name + device[-1], minutes, VCPU=1, **{device: 1})
            for device in devices
        ]
        host = builders.host(
            name, *servers, VCPU=3, **dict.fromkeys(_DEVICES, 1)
        )
        host = dataclasses.replace(
            host,
            inventories={
                row: builders.inventory(one, used=1 if '@' in row else 3)
                for row, one in host.inventories.items()
            },
        )
        return dataclasses.replace(
            host, takings=tuple(_taking(device, 1) for device in devices)
        )

    def plan(self, number, *hosts):
        class Cloud(builders.FakeCloud):
            def why_refused(self, provider, gone, nominations, taking=None):
                return builders.together(provider, gone, nominations)

        request = model.Request(
            tuple('p%d' % index for index in range(number)),
            {'VCPU': 1, 'GPU': 1},
            is_together=True,
            is_spread=True,
        )
        return planner.make_plan(
            request,
            [_unread(host) for host in hosts],
            builders.USUAL,
            Cloud({host.provider: host for host in hosts}, None),
        )

    def nominated(self, plan):
        return [one.provider for one in plan.nominations]

    def test_they_go_where_there_are_enough_devices(self):
        """The first one alone would cost less elsewhere."""
        few = [self.host('few%d' % at, 60, _DEVICES[:1]) for at in range(3)]
        plan = self.plan(2, *few, self.host('enough', 90, _DEVICES[:2]))
        self.assertEqual(['enough'] * 2, self.nominated(plan))
        self.assertEqual(2, len(plan.victims))

    def test_they_go_where_the_first_one_costs_least(self):
        hosts = [
            self.host('dear', 90, _DEVICES),
            self.host('cheap', 60, _DEVICES),
        ]
        for number in (2, 3):
            plan = self.plan(number, *hosts)
            self.assertEqual(['cheap'] * number, self.nominated(plan))
            self.assertEqual(number, len(plan.victims))

    def test_they_are_refused_where_no_host_has_enough(self):
        hosts = [self.host('one', 60, _DEVICES[:2])]
        hosts.append(self.host('other', 60, _DEVICES[:2]))
        plan = self.plan(3, *hosts)
        self.assertFalse(plan.is_feasible)
        self.assertEqual({'one', 'other'}, set(plan.reasons))
