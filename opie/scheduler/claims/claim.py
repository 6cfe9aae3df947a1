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

"""The claim: one transaction in placement that moves the capacity.

The preemptors get their allocations and the victims are shrunk by what is
taken of them, which is booked in the journal.  Until the first victim is sent
away everything can be swapped back, and generations make each step a
compare-and-swap: whoever else writes a consumer meanwhile, it is seen.
"""

from concurrent import futures
import time

from oslo_log import log as logging
from oslo_utils import uuidutils

from opie.scheduler import errors
from opie.scheduler import waiting
from opie.scheduler.claims import give_back
from opie.scheduler.claims import journal
from opie.scheduler.claims import journal_names
from opie.scheduler.claims import rate_limits
from opie.scheduler.placement import client as placement

LOG = logging.getLogger(__name__)

# How often a write is sent again when another writer was faster.
_MAX_WRITES = 8


class Claim:
    """The claim of one plan.

    :param client: a :class:`placement.Client`.
    :param plan: a feasible :class:`opie.preemption.model.Plan`.
    :param request: the :class:`opie.preemption.model.Request`.
    :param requester: (project id, user id) of the preemptors.
    """

    def __init__(self, client, plan, request, requester):
        self._client = client
        self._journal = journal.Journal(client)
        self._plan = plan
        self._resources = dict(request.resources)
        self._requester = requester
        self._providers = {}  # preemptor to its journal provider
        # Whose journal the claim names.
        self._takers = set().union(*plan.shares.values())
        self._may_arrive = False  # whether it may be made later
        self._shrunk = {}  # victim to the allocations it was left with
        self._host_of = {server.uuid: host for host, server in plan.victims}

    def make(self, attempt, deadline, scheduler_host):
        """Make the claim, and the journal of it.

        :param attempt, deadline, scheduler_host: as in
            :class:`journal.Preemption`.
        :raises errors.ClaimFailed, errors.LimitReached: if it was not made.
        :raises Exception: whatever else happens, it may have been made, and
            has to be given back.
        """
        bodies = self._preemptor_bodies()
        try:
            # Neither needs the other, and both wait for placement.
            with futures.ThreadPoolExecutor(1) as pool:
                opening = pool.submit(
                    self._open_journal, attempt, deadline, scheduler_host
                )
                try:
                    victims = self._read_victims()
                finally:
                    opened = opening.result()
            rate_limits.check_again(self._client, opened, self._requester[0])
            bodies.update(self._victim_bodies(victims))
            self._write(bodies)
        except (errors.ClaimFailed, errors.LimitReached):
            self.close(set(self._providers))
            raise

    def _preemptor_bodies(self):
        project_id, user_id = self._requester
        return {
            nomination.preemptor: placement.Consumer(
                nomination.preemptor, {}, project_id, user_id
            ).body({nomination.host: self._resources})
            for nomination in self._plan.nominations
        }

    def _read_victims(self):
        """Read the victims, which must hold what the plan says they do."""
        victims = self._client.consumers(self._host_of)
        changed = set()
        for host, server in self._plan.victims:
            consumer = victims[server.uuid]
            is_taken = any(
                map(journal.is_entry, consumer.allocations.values())
            )
            if is_taken or consumer.allocations.get(host) != server.held:
                changed.add(server.uuid)
        if changed:
            raise errors.ClaimFailed(
                'allocations changed of %s' % ', '.join(sorted(changed)),
                *changed,
                is_race=True,
            )
        return victims

    def _open_journal(self, attempt, deadline, scheduler_host):
        """Open the journal; return the preemptions that it is of."""
        began, project = time.time(), journal_names.label(self._requester[0])
        opened = []
        hosts = {item.preemptor: item.host for item in self._plan.nominations}
        # One that takes nothing of anybody has a claim to be given back too.
        entries = {preemptor: [] for preemptor in hosts}
        for share in self._plan.shares.values():
            for preemptor, resources in share.items():
                entries[preemptor].append(journal.booked(resources))
        for preemptor, booked in sorted(entries.items()):
            # Known before it exists, so that it is deleted whatever becomes
            # of the call.
            provider = self._providers[preemptor] = uuidutils.generate_uuid()
            preemption = journal.Preemption(
                provider,
                preemptor,
                attempt,
                deadline,
                hosts[preemptor],
                scheduler_host,
                began if booked else None,
                project if booked else None,
            )
            self._journal.open(preemption, booked)
            opened.append(preemption)
        return opened

    def _victim_bodies(self, victims):
        bodies = {}
        for uuid, consumer in victims.items():
            allocations = {
                provider: dict(resources)
                for provider, resources in consumer.allocations.items()
            }
            host = self._host_of[uuid]
            for preemptor, resources in self._plan.shares[uuid].items():
                _subtract(allocations, host, resources)
                allocations[self._providers[preemptor]] = journal.booked(
                    resources
                )
            self._shrunk[uuid] = allocations
            bodies[uuid] = consumer.body(allocations)
        return bodies

    def _write(self, bodies):
        """Write the claim, and find out whether it was written."""
        for _ in range(_MAX_WRITES):
            try:
                self._client.replace_allocations(bodies)
                return
            except placement.PlacementError as exc:
                error = exc
            is_lost = isinstance(error, placement.NoAnswer)
            self._may_arrive = is_lost and not self._takers
            if self._is_made():
                self._may_arrive = False
                return
            if getattr(error, 'is_orphan_conflict', False):
                for nomination in self._plan.nominations:
                    bodies[nomination.preemptor]['consumer_generation'] = 0
            elif getattr(error, 'is_provider_conflict', False):
                waiting.FOR_WRITERS.sleep()
            else:
                break
        if is_lost:
            self._settle(error)
        else:
            raise errors.ClaimFailed(str(error), is_race=error.status == 409)

    def _settle(self, error):
        """Make sure that a claim without an answer either holds or never will.

        A claim that has not arrived yet may still do so.  It names the journal
        of those that take from victims, so it is refused once that is deleted;
        and the journal of a claim that has arrived cannot be deleted.  A claim
        without victims names none: the reaper sees what becomes of it.
        """
        if self._takers and all(map(self._close, sorted(self._takers))):
            raise errors.ClaimFailed(str(error), is_race=True)
        if not self._is_made():
            raise error

    def _is_made(self):
        return self.holds_for(self._plan.nominations[0])

    def holds_for(self, nomination):
        """Tell whether a preemptor has exactly what was claimed for it."""
        consumer = self._client.consumer(nomination.preemptor)
        return consumer.allocations == {nomination.host: self._resources}

    def touched(self, victims):
        """Return those of some victims that have not what the claim left."""
        return {
            uuid
            for uuid, consumer in self._client.consumers(victims).items()
            if consumer.allocations != self._shrunk[uuid]
        }

    def is_released(self, victim):
        """Tell whether a victim holds nothing any more."""
        return not self._client.consumer(victim).allocations

    def give_back(self, preemptors):
        """Give back what preemptors took, and drop their claims.

        :returns: whether it is done; see :func:`give_back.give_back`.
        """
        hosts = {
            item.preemptor: item.host
            for item in self._plan.nominations
            if item.preemptor in preemptors
        }
        providers = {
            preemptor: provider
            for preemptor, provider in self._providers.items()
            if preemptor in preemptors
        }
        changed = give_back.give_back(self._client, hosts, providers)
        return changed is not None

    def empty(self, victims):
        """Remove what victims that nova has deleted hold; see give_back."""
        give_back.empty(self._client, victims)

    def is_over(self):
        """Tell whether no victim holds anything any more.

        Every victim is booked in the journal, and nova removes all that a
        server holds at once.
        """
        try:
            return not any(
                journal.entries(self._client, provider)
                for provider in self._providers.values()
            )
        except placement.PlacementError:
            return False

    def close(self, preemptors):
        """Close the journal of preemptors that gave up, if that can be.

        The reaper closes what is left of it, and all if it may be needed yet.
        """
        if self._may_arrive:
            return
        for preemptor in self._providers.keys() & preemptors:
            try:
                self._close(preemptor)
            except placement.PlacementError as exc:
                LOG.warning(
                    'The resource provider %(provider)s stays in the journal '
                    'for now: %(error)s.',
                    {'provider': self._providers[preemptor], 'error': exc},
                )

    def _close(self, preemptor):
        """Delete a preemptor's journal; return False if victims are in it."""
        if self._journal.close(self._providers[preemptor]) is None:
            return False
        del self._providers[preemptor]
        return True


def _subtract(allocations, provider, resources):
    """Take resources away in place, leaving no zeros and no empty dicts."""
    left = allocations[provider]
    for name, amount in resources.items():
        left[name] -= amount
        if not left[name]:
            del left[name]
    if not left:
        del allocations[provider]
