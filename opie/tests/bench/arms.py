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

"""The arms of the benchmark: each makes one call and undoes its effects.

An arm is called with a flavor and returns the stopwatch of its call.  The work
before and after the call is not measured.
"""

import time

from nova import context as nova_context
from nova import objects
from nova.compute import api as compute_api
from nova.scheduler.client import report
import oslo_messaging as messaging

from opie.tests.bench import boots
from opie.tests.bench import layout
from opie.tests.bench import ring
from opie.tests.bench import stopwatch
from opie.tests.bench import upkeep

# How often a user who waits for deletions checks whether there is room.
_POLL_SECONDS = 0.1
_PATIENCE_SECONDS = 60


class Failed(Exception):
    """A call did not do what it is measured for."""


class Arms:
    """The arms on one population.

    :param population: a :class:`population.Population`.
    :param stock: nova's scheduler manager.
    :param opies: opie's.
    :param computes: a :class:`computes.Computes`.
    :ivar stock_manager: nova's scheduler manager.
    """

    def __init__(self, population, stock, opies, computes):
        self._population = population
        self.stock_manager = stock
        self._opies = opies
        self._computes = computes
        self._compute_api = compute_api.API()

    def stock(self, flavor):
        """Measure nova's own scheduling where there is room."""
        return self._with_room(flavor, self.stock_manager)

    def pass_one(self, flavor):
        """Measure opie's scheduling of the same, with both its weighers."""
        return self._with_room(flavor, self._opies)

    def preempt(self, flavor, profiler=None):
        """Measure opie's scheduling on a full cloud until evictions start.

        :param profiler: a cProfile.Profile to watch it with.
        """
        boot = boots.Boot(flavor)
        watch = stopwatch.Stopwatch()

        def stop():
            watch.stop()
            if profiler:
                profiler.disable()

        with ring.stopped_before_evictions(stop):
            watch.start()
            if profiler:
                profiler.enable()
            _refused(boot, self._opies)
        if watch.seconds is None:
            raise Failed('opie did not come as far as to evict.')
        if boot.claimed():
            raise Failed('opie has not given back what it claimed.')
        boot.forget()
        return watch

    def refuse(self, flavor, hints=None, profiler=None):
        """Measure opie's scheduling of a request that cannot be served.

        :param profiler: a cProfile.Profile to watch it with.
        """
        boot = boots.Boot(flavor, hints)
        watch = stopwatch.Stopwatch()
        watch.start()
        if profiler:
            profiler.enable()
        _refused(boot, self._opies)
        if profiler:
            profiler.disable()
        watch.stop()
        boot.forget()
        return watch

    def preempt_fully(self, flavor):
        """Measure the same until nova is told the host."""
        boot = boots.Boot(flavor)
        watch = stopwatch.Stopwatch()
        with self._computes.listening():
            watch.start()
            boot.schedule(self._opies)
            watch.stop()
        boot.forget()
        self._refill()
        return watch

    def retry(self, flavor):
        """Measure a user who deletes the same servers and asks again.

        The refusal and the choice of the servers are opie's dry run; the rest
        is nova's, until it is told the host.
        """
        first, second = boots.Boot(flavor), boots.Boot(flavor)
        watch = stopwatch.Stopwatch()
        with self._computes.listening():
            watch.start()
            provider, victims = ring.planned_victims(self._opies, first)
            for uuid in victims:
                self._delete(uuid)
            self._wait_for_room(provider, flavor)
            second.schedule(self.stock_manager)
            watch.stop()
        first.forget()
        second.forget()
        self._refill()
        return watch

    def _with_room(self, flavor, manager):
        boot = boots.Boot(flavor)
        watch = stopwatch.Stopwatch()
        watch.start()
        boot.schedule(manager)
        watch.stop()
        boot.forget()
        return watch

    def _delete(self, uuid):
        admin = nova_context.get_admin_context()
        mapping = objects.InstanceMapping.get_by_instance_uuid(admin, uuid)
        with nova_context.target_cell(admin, mapping.cell_mapping) as context:
            server = objects.Instance.get_by_uuid(context, uuid)
            self._compute_api.delete(context, server)

    def _wait_for_room(self, provider, flavor):
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if not _missing(provider, flavor.vcpus):
                return
            time.sleep(_POLL_SECONDS)
        raise Failed('Placement never showed the room of deleted servers.')

    def _refill(self):
        if not upkeep.refill(self._population, self._computes):
            raise Failed('No server was deleted.')


def _refused(boot, manager):
    """Ask a scheduler, which answers NoValidHost."""
    try:
        boot.schedule(manager)
    except messaging.ExpectedException:
        return
    raise Failed('There was room on a full cloud.')


def _missing(provider, vcpus):
    """Return the resource classes that a host has too little of."""
    client = report.report_client_singleton()
    url = '/resource_providers/%s/' % provider
    inventories = client.get(url + 'inventories').json()['inventories']
    usages = client.get(url + 'usages').json()['usages']
    return {
        name
        for name, amount in layout.resources(vcpus).items()
        if usages[name] + amount > inventories[name]['total']
    }
