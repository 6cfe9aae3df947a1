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


"""Hosts, servers and requests for tests, each in one short line.

Resource classes are keywords: ``server('small', VCPU=1)``.  What a host has in
use is what its servers hold and what ``busy`` holds, the servers that may
not be evicted.
"""

import collections.abc
import dataclasses
import re

from opie.preemption import amounts
from opie.preemption import cost
from opie.preemption import efforts
from opie.preemption import model
from opie.preemption import planner
from opie.preemption import victims

USUAL = cost.Cost()
NO_COST = cost.Cost(count_multiplier=0.0, duration_multiplier=0.0)
BELOW_ZERO = cost.Cost(count_multiplier=-1000.0, duration_multiplier=-1000.0)


@dataclasses.dataclass(frozen=True)
class RankedHost(model.Host):
    """A host with the rank that the cloud's weighers give it."""

    preference: int = 0


@dataclasses.dataclass
class FakeCloud:
    """A cloud as it was given, and what it was asked.

    :ivar hosts: uuid to the host as it is now.
    :ivar filters: what :meth:`why_refused` is.
    :ivar read_providers: the uuids of the hosts that were read, in order.
    :ivar questions: what :meth:`with_free` was asked.
    :ivar asked_about: what :meth:`unfit_ones` was asked.
    :ivar is_search_over: see LiveCloud.
    :ivar is_time_over: see LiveCloud.
    """

    hosts: dict
    filters: object
    read_providers: list = dataclasses.field(default_factory=list)
    questions: list = dataclasses.field(default_factory=list)
    asked_about: list = dataclasses.field(default_factory=list)
    is_search_over: collections.abc.Callable = lambda: False
    is_time_over: collections.abc.Callable = lambda: False

    def read(self, uuids):
        self.read_providers += uuids
        return {uuid: self.hosts[uuid] for uuid in uuids}

    def with_free(self, some):
        self.questions.append(some)
        return {
            uuid
            for uuid, one in self.hosts.items()
            if isinstance(one, model.Host)
            and all(
                name in one.inventories
                and one.inventories[name].is_unit(amount)
                and amount <= one.inventories[name].free
                for name, amount in some.items()
            )
        }

    def unfit_ones(self, uuids):
        self.asked_about.append(uuids)
        return {
            uuid: self.hosts[uuid]
            for uuid in uuids
            if isinstance(self.hosts[uuid], model.Unfit)
        }

    def why_refused(self, provider, gone, nominations, taking=None):
        return self.filters(provider, gone, nominations)

    def rank_by_weight(self, uuids):
        return {uuid: self.hosts[uuid].preference for uuid in uuids}


def server(uuid, minutes=0, **held):
    """Return a potential victim that has run for some minutes."""
    return model.Server(uuid, held, launched_at=minutes * -60.0)


def leaving(uuid, **held):
    """Return a leaving server."""
    return model.Server(uuid, held, is_leaving=True)


def soft_deleted(uuid, **held):
    """Return a server that its user has deleted and may restore."""
    return model.Server(uuid, held, launched_at=0.0, is_soft_deleted=True)


def unlaunched(uuid, **held):
    """Return a potential victim that was never launched."""
    return model.Server(uuid, held)


def host(
    uuid, *servers, busy=None, preference=0, failed_builds=0, **inventories
):
    """Return a host; an inventory is a total or a :class:`model.Inventory`.

    :param servers: its potential victims and its leaving servers.
    """
    used = dict(busy or {})
    for one in servers:
        for name, amount in one.held.items():
            used[name] = used.get(name, 0) + amount
    return RankedHost(
        uuid,
        {
            name: inventory(item, used=used.get(name, 0))
            for name, item in inventories.items()
        },
        tuple(one for one in servers if not one.costs_nothing),
        tuple(one for one in servers if one.costs_nothing),
        failed_builds=failed_builds,
        preference=preference,
    )


def inventory(total, **fields):
    """Return an inventory, or a given one with some fields changed."""
    if isinstance(total, model.Inventory):
        fields = {**vars(total), **fields}
        total = fields.pop('total')
    return model.Inventory(total, **fields)


def request(*preemptors, **resources):
    """Return a request, of one preemptor unless they are named."""
    return model.Request(preemptors or ('preemptor',), resources)


def accept_all(host, gone, nominations):
    """Be filters that let everything pass."""


def apart(host, gone, nominations):
    """Be anti-affinity between the preemptors."""
    taken = {one.provider for one in nominations}
    return 'anti-affinity' if host in taken else None


def together(host, gone, nominations):
    """Be affinity between the preemptors."""
    taken = {one.provider for one in nominations}
    return None if taken <= {host} else 'affinity'


def make_plan(hosts, request, its_cost=USUAL, accepts=accept_all):
    """Plan with filters that let everything pass and opie's usual cost."""
    cloud = FakeCloud({host.provider: host for host in hosts}, accepts)
    return planner.make_plan(request, hosts, its_cost, cloud)


@dataclasses.dataclass
class Answers:
    """Filters that answer by a function of the servers that would be gone."""

    why_unacceptable: collections.abc.Callable

    def why_filters_refuse(self, servers):
        return self.why_unacceptable(servers)


def choose_victims(
    host, resources, passes=lambda servers: None, its_cost=USUAL
):
    """Choose the victims for one preemptor.

    :returns: a tuple of servers, or a :class:`model.Unfit`.
    """
    chosen = victims.choose_victims(
        host,
        amounts.Demand(resources, 1, its_cost),
        Answers(passes),
        efforts.Effort(),
    )
    return chosen if isinstance(chosen, model.Unfit) else chosen.victims


def placed(plan):
    """Return (host, names of the victims) for each preemptor, in order."""
    return [
        (one.provider, [victim.uuid for victim in one.victims])
        for one in plan.nominations
    ]


def scenarios(table):
    """Give a test case one test per row, named by the row's sentence.

    :param table: sentence to the tuple of arguments of its ``check`` method.
    """

    def add_tests(case):
        for sentence, arguments in table.items():
            name = 'test_' + re.sub(r'\W+', '_', sentence).strip('_').lower()
            if hasattr(case, name):
                raise ValueError('two scenarios are named %s' % name)
            setattr(case, name, _test(sentence, arguments))
        return case

    return add_tests


def _test(sentence, arguments):
    def test(self):
        self.check(*arguments)

    test.__doc__ = sentence
    return test
