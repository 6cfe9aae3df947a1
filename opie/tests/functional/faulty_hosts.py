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

"""Hypervisors that hang, or fail at what they are asked to do."""

import contextlib
import threading

from nova import exception
from nova.virt import fake

from opie.tests.functional import base


class FaultyHostsMixin:
    """For a :class:`base.CloudTestCase`."""

    def setUp(self):
        super().setUp()
        # Host to the event that is set when it goes on.
        self._hung = {}
        self._failing = set()
        self.wrap(fake.FakeDriver, 'destroy', self._destroy)
        self.wrap(fake.FakeDriver, 'spawn', self._spawn)

    def _destroy(self, real, driver, context, instance, *args, **kwargs):
        goes_on = self._hung.get(instance.host)
        if goes_on:
            goes_on.wait(base.WAIT_SECONDS)
        real(driver, context, instance, *args, **kwargs)
        if 'destroy' in self._failing:
            self._failing.discard('destroy')
            raise exception.NovaException('the port is in use')

    def _spawn(self, real, *args, **kwargs):
        if 'spawn' in self._failing:
            self._failing.discard('spawn')
            raise exception.NovaException('the image is broken')
        return real(*args, **kwargs)

    @contextlib.contextmanager
    def hanging(self, host):
        """Let a hypervisor destroy no guest meanwhile."""
        self._hung[host] = threading.Event()
        try:
            yield
        finally:
            self._hung.pop(host).set()

    @contextlib.contextmanager
    def failing_once(self, name):
        """Let the first of some calls fail meanwhile.

        :param name: ``destroy``, which destroys the guest all the same, or
            ``spawn``.
        """
        self._failing.add(name)
        try:
            yield
        finally:
            self._failing.discard(name)
