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

"""A small cloud of real services on the loopback interface.

The command ``opie-sandbox`` and the end-to-end tests use this module.  After a
start either the whole cloud runs or none of it.
"""

import contextlib
import dataclasses
from importlib import metadata
import time

from opie.sandbox import credentials
from opie.sandbox import errors
from opie.sandbox import home as home_module
from opie.sandbox import identity
from opie.sandbox import launcher
from opie.sandbox import processes
from opie.sandbox import programs
from opie.sandbox import record as record_module
from opie.sandbox import settings as settings_module
from opie.sandbox import starting
from opie.sandbox import steps
from opie.sandbox import stopping
from opie.sandbox.services import everything
from opie.sandbox.services import glance
from opie.sandbox.services import neutron

# A cloud's databases are not brought from one version of these to another.
_VERSIONED = ('keystone', 'nova', 'openstack-placement')


class SandboxCloud:
    """The cloud in a directory, which need not exist yet.

    :param path: the directory; None for the user's own cloud.
    """

    def __init__(self, path=None):
        self.home = home_module.Home(path)

    def up(self, report=lambda name, seconds: None, **changes):
        """Make the cloud run.

        :param report: called with each step that is done and its seconds.
        :param changes: fields of :class:`settings.Settings` that differ from
            those of the last time, or from the defaults.
        :raises errors.SandboxError: if it cannot be done.
        """
        programs.check()
        self.home.create()
        with self.home.locked():
            starting.Start(self.home, self._prepare(changes)).run(report)

    def _prepare(self, changes):
        """Return what the cloud is to be, a new one if need be."""
        record = self.home.read()
        before = record.settings if record else settings_module.Settings()
        settings = dataclasses.replace(before, **changes).check()
        glance.check(settings)
        neutron.check(settings)
        if record is None or not record.is_complete:
            # A cloud that is half done is of no use.
            stopping.stop_all(self.home)
            self.home.erase()
            self.home.create()
            return record_module.Record(_versions(), settings)
        self._check_versions(record)
        self._check_hosts(record.settings, settings)
        return dataclasses.replace(record, settings=settings)

    def _check_versions(self, record):
        now = _versions()
        if record.versions != now:
            raise errors.SandboxError(
                'The cloud in %s was made by %s, and this is %s: remove it '
                'with "opie-sandbox reset".'
                % (self.home.path, _text(record.versions), _text(now))
            )

    def _check_hosts(self, before, now):
        if now.hosts < before.hosts:
            raise errors.SandboxError(
                'The cloud has %d hosts and cannot lose any. Remove it with '
                '"opie-sandbox reset" first.' % before.hosts
            )

    def down(self):
        """Stop everything; what is in the databases stays.

        :returns: how many processes there were.
        """
        with self._locked():
            return stopping.stop_all(self.home)

    def reset(self):
        """Stop everything and forget the cloud."""
        with self._locked():
            stopping.stop_all(self.home)
            self.home.erase()

    def _locked(self):
        # Where no cloud is there is nothing to lock; its directory may have
        # been removed under it.
        if self.home.exists():
            return self.home.locked()
        return contextlib.nullcontext()

    def runs(self):
        """Tell whether anything of it runs."""
        return bool(processes.of_home(self.home.path))

    # All methods below need an existing cloud.

    @property
    def site(self):
        """The :class:`site.Site`: ports, URLs, passwords.

        :raises errors.SandboxError: if there is no cloud.
        """
        record = self.home.read()
        if record is None or not record.is_complete:
            raise errors.SandboxError(
                'There is no cloud in %s: make one with "opie-sandbox up".'
                % self.home.path
            )
        return starting.site_of(self.home, record)

    @property
    def auth_url(self):
        return self.site.auth_url

    def database_url(self, name):
        """Return the URL of a database, such as ``nova_cell1``."""
        return self.site.database_url(name)

    def credentials(self, user='demo'):
        """Return the OS_* variables of demo, other or admin."""
        return credentials.variables_for(self.site, user)

    def connect(self, user='demo'):
        """Return a connection of the SDK as that user."""
        return identity.connect(self.site, user)

    def services(self):
        """Return service to its process, None if it does not run."""
        noted = self.home.noted()
        found = {}
        for service in everything.make_services(self.site):
            process, _ = noted.get(service.name, (None, None))
            is_alive = process is not None and process.is_alive()
            found[service.name] = process if is_alive else None
        return found

    def pids(self, name):
        """Return the process ids of a service, its first process first.

        The others are its workers.  Empty if it does not run.
        """
        return [member.pid for member in self._family(name)]

    def signal(self, name, number):
        """Send a signal to all processes of a service."""
        for member in self._family(name):
            member.send_signal(number)

    def _family(self, name):
        process = self.services()[name]
        return process.family() if process else []

    def stop(self, name):
        """Stop one service."""
        stopping.stop_one(self.home, name)

    def start(self, name):
        """Start one service and wait until it answers.

        Running services that need it are waited for too, because a message
        to one that has not found the broker again is lost.
        """
        services = {
            item.name: item for item in everything.make_services(self.site)
        }
        service = services[name]
        launcher.write_files([service])
        launcher.start(self.home, service, steps.Stop())
        for other, process in self.services().items():
            if name in services[other].needs and process is not None:
                self._wait(services[other], process)

    def _wait(self, service, process):
        if process.is_stopped():
            return
        launcher.wait(
            service,
            time.time() - self.site.settings.down_seconds,
            steps.Stop(),
            process.is_alive,
            launcher.START_SECONDS,
            self.home.log(service.name),
        )

    def restart(self, name):
        """Stop one service, start it and wait until it answers."""
        self.stop(name)
        self.start(name)


def _versions():
    return {name: metadata.version(name) for name in _VERSIONED}


def _text(versions):
    return ', '.join('%s %s' % item for item in sorted(versions.items()))
