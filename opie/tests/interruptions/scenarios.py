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

"""Preemptions, and repairs of them, that can be interrupted anywhere.

Each makes the same calls every time.  Together they come to every I/O call of
opie/scheduler.
"""

import fixtures
from nova import exception
from nova.scheduler.client import report
from nova.virt import fake

from opie.scheduler.claims import journal
from opie.scheduler.claims import journal_names
from opie.tests.interruptions import killer


class Scenario:
    """A preemption of 10 VCPU on host1, at the cost of two servers.

    :param cloud: a :class:`crash_points.CrashMixin`, of two hosts.
    :cvar entry: what of the scheduler is interrupted.
    :cvar servers: (what it asks for, host, whether preemptible) of those there
        before; see :meth:`crash_points.CrashMixin.have`.
    :cvar number: how many servers are asked for.
    :cvar has_threads: whether requests go on side by side, so that the order
        of their calls is a matter of chance.
    """

    entry = killer.PREEMPTION
    servers = ((5, 'host1', True), (5, 'host1', True), (10, 'host2', False))
    number = 1
    has_threads = False

    def __init__(self, cloud):
        self.cloud = cloud

    def arrange(self):
        """Do what comes before the part that is interrupted."""
        self.cloud.have(self.servers)

    def act(self):
        """Have it done, and wait for the answer."""
        self.cloud.ask(self.number)

    def after(self, call):
        """Disturb what is done, after a :class:`wire.Call` was made."""

    def relieve(self):
        """End what disturbs."""

    def added(self, points):
        """Return those crash points that other scenarios do not have."""
        return points


class First(Scenario):
    """The first one of a cloud: there is no journal yet."""

    def arrange(self):
        super().arrange()
        api = self.cloud.placement
        api.delete('/resource_providers/%s' % journal.ROOT_UUID)
        classes = api.get('/resource_classes', version='1.7').body
        for item in classes['resource_classes']:
            if item['name'].startswith(journal.CLASS_PREFIX):
                api.delete('/resource_classes/%s' % item['name'])


class Several(Scenario):
    """A request for two servers, on two hosts."""

    servers = ((10, 'host1', True), (10, 'host2', True))
    number = 2


class Together(Scenario):
    """Two requests that one turn serves, on a host each."""

    servers = Several.servers
    has_threads = True

    def act(self):
        self.cloud.ask_together(2)


class Overtaken(Together):
    """Their claims are written one by one, because one victim has changed."""

    def arrange(self):
        super().arrange()
        self._is_changed = False

    def after(self, call):
        if call.what == 'PUT /resource_providers/*/inventories':
            self._change()

    def _change(self):
        """Write to a victim's allocations, and leave them as they are."""
        if self._is_changed:
            return
        self._is_changed = True
        url = '/allocations/%s' % self.cloud.preemptible()[0]['id']
        api = self.cloud.placement
        api.put(url, api.get(url, version='1.36').body, version='1.36')


class GivenUp(Together):
    """One of the two is deleted by its owner once both are claimed."""

    def after(self, call):
        if call.what == 'POST /allocations':
            self.cloud.give_one_up()


class Joined(Scenario):
    """Two requests that one turn serves, of which one waits with the other.

    There is one victim, and each takes a part of it.
    """

    servers = ((10, 'host1', True), (10, 'host2', False))
    has_threads = True

    def act(self):
        self.cloud.ask_together(2, vcpu=4)


class JoinedAndGivenUp(Joined):
    """The one that evicts the victim is deleted once both are claimed."""

    def after(self, call):
        if call.what == 'POST /allocations':
            self.cloud.give_one_up()


class Undone(Scenario):
    """Everything is given back: an administrator locks a victim meanwhile."""

    trigger = 'POST /allocations'

    def arrange(self):
        super().arrange()
        self._locked = None

    def after(self, call):
        if call.what == self.trigger and not self._locked:
            self._locked = next(
                server
                for server in self.cloud.preemptible()
                if not self.cloud.instance(server).task_state
            )
            self._lock('admin')

    def relieve(self):
        if self._locked:
            self._lock(None)

    def added(self, points):
        triggers = [point.call.what == self.trigger for point in points]
        return points[triggers.index(True) + 1 :]

    def _lock(self, locked_by):
        instance = self.cloud.instance(self._locked)
        instance.locked = bool(locked_by)
        instance.locked_by = locked_by
        instance.save()


class Devices(Scenario):
    """Devices are asked for, of a provider below that of the host."""

    servers = (
        ((5, 1), 'host1', True),
        ((5, 1), 'host1', True),
        (10, 'host2', False),
    )

    def arrange(self):
        self.cloud.have_devices(2)
        super().arrange()

    def act(self):
        self.cloud.ask(asked=(10, 2))


class DevicesUndone(Devices, Undone):
    """Devices are given back."""


class UndoneHalfway(Undone):
    """Everything is given back, but for a victim that is being deleted."""

    trigger = 'SEND terminate_instance'


class Repaired(Scenario):
    """The reaper undoes what was left when a message to a compute was lost.

    One victim is gone, one is marked for deletion, and there is a claim.
    """

    entry = killer.REAPER

    def arrange(self):
        super().arrange()
        self.cloud.interrupt(
            Scenario(self.cloud),
            lambda point: (
                point.call.what == 'SEND terminate_instance'
                and point.number == 2
            ),
        )

    def act(self):
        self.cloud.reap_late()


class Emptied(Scenario):
    """The reaper finds a victim that was deleted and has allocations."""

    entry = killer.REAPER

    def arrange(self):
        super().arrange()
        self.cloud.interrupt(
            Scenario(self.cloud),
            lambda point: point.call.step == 'sends a victim away',
        )
        with fixtures.MockPatchObject(
            report.SchedulerReportClient, 'delete_allocation_for_instance'
        ):
            self.cloud.delete(self._that_keeps_its_disk())

    def _that_keeps_its_disk(self):
        """Return the victim of which not all was taken.

        All was taken of the other victim, so the reaper asks nova where that
        one is before it gives anything back.  Deleting either victim would
        make the points of this scenario differ from time to time.
        """
        (kept,) = (
            server
            for server in self.cloud.preemptible()
            if any(
                'DISK_GB' in held['resources']
                for held in self.cloud.allocations(server).values()
            )
        )
        return kept

    def act(self):
        self.cloud.reap_late()


class Closed(Scenario):
    """The reaper closes the journal of one that succeeded."""

    entry = killer.REAPER

    def arrange(self):
        super().arrange()
        super().act()

    def act(self):
        self.cloud.reap_late()


class FailedBuild(Scenario):
    """The reaper closes the journal of one that could not be built."""

    entry = killer.REAPER

    def arrange(self):
        super().arrange()
        with fixtures.MockPatchObject(
            fake.FakeDriver,
            'spawn',
            side_effect=exception.BuildAbortException(
                instance_uuid='', reason='no'
            ),
        ):
            super().act()

    def act(self):
        self.cloud.reap_late()

    def relieve(self):
        """Let the project preempt again."""
        api = self.cloud.placement
        url = '/resource_providers?in_tree=%s' % journal.ROOT_UUID
        for provider in api.get(url, version='1.36').body[
            'resource_providers'
        ]:
            if journal_names.is_of_waste(provider['name']):
                api.delete('/resource_providers/%s' % provider['uuid'])


class Moved(Scenario):
    """A move of a server of host2, at the cost of two servers on host1.

    :cvar vcpu: of the server.
    :cvar action: what its user asks for.
    """

    servers = ((5, 'host1', True), (5, 'host1', True))
    vcpu = 10

    def arrange(self):
        super().arrange()
        # A new one each time, because it does not stay where it is.
        self.server = self.cloud.boot_of(self.vcpu, 'host2')

    def act(self):
        self.cloud.move(self.server, self.action)

    def relieve(self):
        super().relieve()
        self.cloud.forget_old_guest(self.server)


class Unshelved(Moved):
    """It was offloaded, and its old place is taken."""

    action = {'unshelve': None}

    def arrange(self):
        super().arrange()
        self.cloud.shelve(self.server)
        self.cloud.boot_of(10, 'host2')


class Resized(Moved):
    """It is resized, so its migration holds its old place."""

    vcpu = 4

    def arrange(self):
        super().arrange()
        self.cloud.boot_of(6, 'host2')

    @property
    def action(self):
        return {'resize': {'flavorRef': self.cloud.flavor_of(10)}}


class MovedAndUndone(Undone, Resized):
    """An administrator locks a victim of a move meanwhile."""


class LiveMigrated(Moved):
    """It is migrated while it runs, which is asked for room once more."""

    action = {'os-migrateLive': {'host': None, 'block_migration': 'auto'}}


class RepairedMove(Scenario):
    """The reaper gives back what was taken for a server that is moved."""

    entry = killer.REAPER

    def arrange(self):
        interrupted = Unshelved(self.cloud)
        interrupted.arrange()
        self.cloud.interrupt(
            interrupted, lambda point: point.call.step == 'verifies'
        )

    def act(self):
        self.cloud.reap_late()


ALL = (
    Joined,
    JoinedAndGivenUp,
    First,
    Undone,
    UndoneHalfway,
    Devices,
    DevicesUndone,
    Repaired,
    Emptied,
    Closed,
    Several,
    Together,
    Overtaken,
    GivenUp,
    FailedBuild,
    Unshelved,
    Resized,
    MovedAndUndone,
    LiveMigrated,
    RepairedMove,
)
# Those of which the functional tests try a crash for each state.
QUICK = (
    First,
    Undone,
    UndoneHalfway,
    Devices,
    DevicesUndone,
    Repaired,
    Emptied,
    Closed,
    Together,
    Unshelved,
)
