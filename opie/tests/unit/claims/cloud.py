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

"""The base of tests on the in-memory placement, with helpers to set it up."""

import fixtures
import nova.conf
from nova.tests import fixtures as nova_fixtures
from oslo_utils.fixture import uuidsentinel as uuids
import testtools

import opie.conf
from opie.preemption import model
from opie.scheduler.claims import claim
from opie.scheduler.claims import dropping
from opie.scheduler.claims import journal
from opie.scheduler.claims import together
from opie.scheduler.nova_db import instances
from opie.scheduler.placement import client as placement
from opie.tests.stand_ins import clock
from opie.tests.stand_ins.placement import client as stand_in

CONF = nova.conf.CONF
opie.conf.register_opts(CONF)

PROJECT = 'a project'
DEADLINE = 1764074665
WORKER = '5c8e1f02'


class CloudTestCase(testtools.TestCase):
    """An in-memory placement.

    Hosts, servers and preemptors are called by names; their uuids are those of
    uuidsentinel.  No pause takes any time.

    :cvar is_lenient: False for placement 13; see :class:`stand_in.StandIn`.
    """

    is_lenient = True

    def setUp(self):
        super().setUp()
        self.useFixture(nova_fixtures.ConfFixture(CONF))
        self.log = self.useFixture(
            fixtures.FakeLogger(format='%(levelname)s %(message)s')
        )
        self.clock = clock.Clock()
        self.useFixture(
            fixtures.MonkeyPatch('opie.scheduler.waiting.time', self.clock)
        )
        # nova knows none of the servers, so each holds for itself.
        self.useFixture(
            fixtures.MockPatchObject(instances, 'by_cell', lambda *args: ())
        )
        self.start_placement()

    def start_placement(self):
        self.placement = stand_in.StandIn(self.is_lenient)
        self.client = placement.Client(self.placement)

    def host(self, name, **totals):
        """Have a host with an inventory of each class."""
        self.client.create_provider(getattr(uuids, name), name)
        self.client.set_totals(getattr(uuids, name), 0, totals)

    def shrink(self, name, **totals):
        """Have other totals on a host, as its operator may."""
        provider = getattr(uuids, name)
        generation, _ = self.client.inventories(provider)
        self.client.set_totals(provider, generation, totals)

    def server(self, name, host, **resources):
        """Have a server hold something in place of what it held before."""
        consumer = self.client.consumer(getattr(uuids, name))
        body = consumer.body({getattr(uuids, host): resources})
        body['project_id'] = body['user_id'] = 'owner of ' + name
        self.client.replace_allocations({consumer.uuid: body})

    def delete_server(self, name):
        """Have a server's allocations deleted, as nova does."""
        self.placement.delete('/allocations/' + getattr(uuids, name))

    def held(self, name):
        """Return what a consumer holds, by names of hosts, or ``journal``."""
        held = self.client.consumer(getattr(uuids, name)).allocations
        return {self._provider_name(uuid): held[uuid] for uuid in held}

    def _provider_name(self, uuid):
        name = self.placement.records.providers[uuid].name
        return 'journal' if name.startswith(journal.ROOT_NAME) else name

    def used(self, host, name='VCPU'):
        return self.placement.records.used(getattr(uuids, host), name)

    def writes(self):
        """Return the bodies of all writes of allocations."""
        return [
            body
            for method, url, body in self.placement.calls
            if (method, url) == ('post', '/allocations')
        ]

    def plan(self, preemptors, shares, leaving=()):
        """Return a plan.

        :param preemptors: name to the name of its nominated host.
        :param shares: victim to preemptor to what it takes of the victim.
        :param leaving: the victims that leave anyway.
        """
        victims = {preemptor: [] for preemptor in preemptors}
        for victim, takers in shares.items():
            taker = next(iter(takers))
            uuid, host = getattr(uuids, victim), preemptors[taker]
            held = self.client.consumer(uuid).allocations
            victims[taker].append(
                model.Server(
                    uuid,
                    held.get(getattr(uuids, host), {}),
                    is_leaving=victim in leaving,
                )
            )
        return model.Plan(
            tuple(
                model.Nomination(
                    getattr(uuids, preemptor),
                    getattr(uuids, host),
                    tuple(victims[preemptor]),
                )
                for preemptor, host in preemptors.items()
            ),
            shares={
                getattr(uuids, victim): {
                    getattr(uuids, taker): resources
                    for taker, resources in takers.items()
                }
                for victim, takers in shares.items()
            },
        )

    def claim(self, plan, project=PROJECT, move=None, **resources):
        """Return the claim of a plan, not made yet."""
        request = model.Request(
            tuple(item.preemptor for item in plan.nominations), resources
        )
        return claim.Claim(
            self.client, plan, request, (project, 'a user'), move
        )

    def make(self, one):
        one.prepare(1, DEADLINE, 'a scheduler', WORKER)
        return self.write(one)

    def write(self, one):
        for error in together.write([one]).values():
            raise error
        return one

    def in_flight(self):
        return journal.in_flight(self.client)

    def logged(self, text):
        """Return the log lines, level first, that hold a text."""
        return [one for one in self.log.output.splitlines() if text in one]

    def assertNoJournal(self):
        self.assertEqual([], self.in_flight())


def dropped(preemptor, host='host', move=None):
    """Return the claim of a preemptor, as one that is to be dropped."""
    return dropping.Dropped(
        getattr(uuids, preemptor), getattr(uuids, host), move
    )


def booked(**resources):
    """Return the journal's entry for what is taken of a victim."""
    return journal.entry_for(resources)
