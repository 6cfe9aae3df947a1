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

"""Starts a cloud: finds the services that do not run yet, and starts them.

A service that runs is started again if its description has changed since.  So
the first start, the next one, and one with other settings are the same thing.
"""

import dataclasses
import functools
import time

from opie.sandbox import errors
from opie.sandbox import flavors
from opie.sandbox import identity
from opie.sandbox import launcher
from opie.sandbox import networks
from opie.sandbox import ports
from opie.sandbox import site as site_module
from opie.sandbox import steps
from opie.sandbox import stopping
from opie.sandbox.services import everything
from opie.sandbox.services import glance
from opie.sandbox.services import mariadb
from opie.sandbox.services import neutron
from opie.sandbox.services import rabbitmq

_ANSWER_SECONDS = 15
_NEWS_SECONDS = 2


class Start:
    """One start of a cloud.

    :param record: what the cloud is to be.
    """

    def __init__(self, home, record):
        self._home = home
        noted = home.noted()
        alive = {
            name: digest
            for name, (process, digest) in noted.items()
            if process.is_alive()
        }
        running = set(alive)
        if rabbitmq.NAME in alive:
            running.add(rabbitmq.DISTRIBUTION)
        self._record = dataclasses.replace(
            record,
            ports=ports.choose(everything.PORTS, record.ports, running),
        )
        self._site = site_of(home, self._record)
        self._services = everything.make_services(self._site)
        self._kept = [
            service.name
            for service in self._services
            if alive.get(service.name) == service.digest()
        ]

    def run(self, report):
        """Do it.

        :param report: called with each step that is done and its seconds.
        :raises errors.SandboxError: if it fails; then nothing runs any more.
        """
        try:
            self._home.write(self._record)
            stopping.stop_others(self._home, self._kept)
            launcher.write_files(self._services)
            steps.run(
                list(self._steps()),
                functools.partial(self._report, report),
                self._abort,
            )
            self._home.write(
                dataclasses.replace(
                    self._record,
                    is_complete=True,
                    registered_ports=self._record.ports,
                )
            )
        except BaseException:
            # A step may have started a service while it was aborted.
            self._abort()
            raise

    def _abort(self):
        stopping.stop_all(self._home)

    def _report(self, report, name, seconds):
        # A user need not read that a service still runs.
        if name not in self._kept or seconds > _NEWS_SECONDS:
            report(name, seconds)

    def _steps(self):
        site = self._site
        for service in self._services:
            do = self._check if service.name in self._kept else self._start
            yield steps.Step(
                service.name, functools.partial(do, service), service.needs
            )
        if not self._record.is_complete:
            yield steps.Step(
                'databases',
                lambda stop: mariadb.create_databases(
                    site, everything.DATABASES
                ),
                (mariadb.NAME,),
            )
            for preparation in everything.preparations(site):
                yield self._prepare(preparation)
            yield steps.Step(
                'flavors',
                lambda stop: flavors.create_flavors(site),
                ('nova-api', 'users'),
            )
        starts_neutron = (
            site.settings.has_neutron and neutron.NAME not in self._kept
        )
        # A cloud that an older release made has no user for neutron.
        if (
            starts_neutron
            or self._record.ports != self._record.registered_ports
        ):
            yield steps.Step(
                'users', lambda stop: identity.register(site), ('keystone',)
            )
        if site.settings.has_glance and glance.NAME not in self._kept:
            yield self._prepare(glance.preparation(site))
            yield steps.Step(
                'images',
                lambda stop: flavors.create_images(site),
                (glance.NAME, 'users'),
            )
        if starts_neutron:
            yield from self._fill_neutron()

    def _fill_neutron(self):
        site = self._site
        yield steps.Step(
            neutron.EMPTY_DATABASE,
            lambda stop: neutron.create_database(site),
            (mariadb.NAME, 'databases'),
        )
        yield self._prepare(neutron.preparation(site))
        yield steps.Step(
            'networks',
            lambda stop: networks.create_shared(site),
            (neutron.NAME,),
        )

    def _prepare(self, preparation):
        return steps.Step(
            preparation.name,
            functools.partial(launcher.run, self._home, preparation),
            preparation.needs,
        )

    def _start(self, service, stop):
        launcher.start(self._home, service, stop)

    def _check(self, service, stop):
        """Start a service again that does not answer any more."""
        process, _ = self._home.noted()[service.name]
        since = time.time() - self._site.settings.down_seconds
        try:
            launcher.wait(
                service,
                since,
                stop,
                process.is_alive,
                _ANSWER_SECONDS,
                self._home.log(service.name),
            )
        except errors.NotStarted:
            stopping.stop_one(self._home, service.name)
            self._start(service, stop)


def site_of(home, record):
    return site_module.Site(home, record.settings, record.secret, record.ports)
