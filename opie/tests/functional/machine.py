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

"""The acts of a randomised run: requests, moves, deletions and crashes.

The acts that hypothesis draws depend on the seed alone.  Which servers an act
is about is decided when the act is carried out.
"""

import functools

import hypothesis
from hypothesis import stateful
from hypothesis import strategies as st

from opie.tests.functional import crowd
from opie.tests.interruptions import gathering

# About so many calls of opie's make a preemption of a few victims.
_CALLS = 90

# How often each is done, of all.
_SHARES = {
    'boot_normal': 5,
    'boot_two': 1,
    'burst': 2,
    'boot_and_delete': 1,
    'boot_preemptible': 5,
    'crash': 5,
    'hang': 1,
    'fail_to_delete': 2,
    'fail_to_build': 1,
    'reap': 1,
    'delete': 3,
    'stop_or_start': 2,
    'lock_or_unlock': 2,
    'resize': 3,
    'end_resize': 3,
    'set_host': 2,
}
_ACTS = [name for name, share in _SHARES.items() for _ in range(share)]


def once(method):
    """Let nothing be done after a failure.

    hypothesis would repeat all acts, which would not end in the same way.
    """

    @functools.wraps(method)
    def call(self, *args, **kwargs):
        if self.cloud.failure:
            raise self.cloud.failure
        try:
            return method(self, *args, **kwargs)
        except Exception as exc:
            self.cloud.failure = exc
            raise

    return call


class Machine(stateful.RuleBasedStateMachine):
    """The acts of users and operators, and crashes.

    :cvar cloud: a :class:`crowd.CrowdedCase`.
    """

    cloud = None

    def _do(self, text, *args):
        self.cloud.done.append(text % args)

    def _pick(self, number, *statuses):
        """Return one of the servers in some states, or None."""
        servers = [
            server
            for server in self.cloud.servers()
            if not statuses or server.status in statuses
        ]
        return servers[number % len(servers)] if servers else None

    def _beyond(self, size):
        """Return a size that is beyond what is free on any host."""
        free = max(self.cloud.free_vcpus().values(), default=0)
        return min(free + size, crowd.VCPUS)

    def _drop_failed(self, *uuids):
        """Assert that servers run, or hold nothing; delete the latter."""
        for uuid in uuids:
            status = self.cloud.status_of(uuid)
            self._do('  it is %s', status)
            if status == 'ERROR':
                held = self.cloud.allocations({'id': uuid})
                if held and self.cloud.is_abandoned:
                    self.cloud.kept.append(uuid)
                else:
                    self.cloud.assertEqual({}, held)
                    self.cloud.api.delete_server(uuid)
            else:
                self.cloud.assertIn(status, ('ACTIVE', None))

    @stateful.initialize(number=st.integers(0, 2**32))
    def begin(self, number):
        # The first example that hypothesis tries is the dullest one.
        hypothesis.assume(number)
        self.fill(number)

    @once
    def fill(self, number):
        """Leave no room in the cloud."""
        self._do('fill the hosts')
        sizes = number % 3 + 2, number % 5 + 1, number % 4 + 1
        self._drop_failed(
            *(self.cloud.ask_for(size, True) for size in sizes * 2)
        )

    @stateful.rule(
        name=st.sampled_from(_ACTS),
        number=st.integers(0, 999),
        size=st.integers(1, 4),
        is_so=st.booleans(),
    )
    @once
    def act(self, name, number, size, is_so):
        """Do one of the acts; each act gives the number its own meaning."""
        getattr(self, name)(number, size, is_so)

    def boot_preemptible(self, number, size, is_so):
        free = max(self.cloud.free_vcpus().values(), default=0)
        size = min(free, size) or size
        self._do('boot a preemptible one of %d', size)
        self._drop_failed(self.cloud.ask_for(size, True))

    def boot_normal(self, number, size, is_so):
        size = self._beyond(size)
        must_fit = self._must_fit(size)
        self._do('boot a normal one of %d', size)
        uuid = self.cloud.ask_for(size, False)
        if must_fit:
            self.cloud.assertEqual('ACTIVE', self.cloud.status_of(uuid))
        self._drop_failed(uuid)

    def _must_fit(self, size):
        """Tell whether there is surely room, with some of its victims."""
        if self.cloud.is_abandoned:
            return False
        room, gpus = self.cloud.free_vcpus(), self.cloud.free_gpus()
        for server in self.cloud.servers():
            if (
                server.host in room
                and server.is_preemptible
                and not server.is_protected
                and server.status != 'ERROR'
            ):
                room[server.host] += server.vcpus
                gpus[server.host] += crowd.gpus_of(server.vcpus)
        return any(
            vcpus >= size and gpus[host] >= crowd.gpus_of(size)
            for host, vcpus in room.items()
        )

    def boot_two(self, number, size, is_so):
        first, second = self._beyond(size), number % 4 + 1
        self._do('boot normal ones of %d and %d at once', first, second)
        self._drop_failed(
            self.cloud.ask_for(first, False), self.cloud.ask_for(second, False)
        )

    def burst(self, number, size, is_so):
        """Have requests served together, of which one may be deleted."""
        sizes = [self._beyond(size), *(number % most + 1 for most in (2, 3))]
        self._do('boot normal ones of %s, served together', sizes)
        with gathering.gathered(2, seconds=1):
            uuids = [self.cloud.ask_for(vcpus, False) for vcpus in sizes]
            if is_so:
                self._do('delete the last one meanwhile')
                self.cloud.is_disowned = True
                self.cloud.api.delete_server(uuids[-1])
            for uuid in uuids:
                self.cloud.status_of(uuid)
        self._drop_failed(*uuids)

    def boot_and_delete(self, number, size, is_so):
        size = self._beyond(size)
        self._do('boot a normal one of %d and delete it', size)
        self.cloud.is_disowned = True
        uuid = self.cloud.ask_for(size, False)
        self.cloud.api.delete_server(uuid)
        self.cloud.status_of(uuid)

    def crash(self, number, size, is_so):
        self._reap()
        size = self._beyond(size)
        number = number % _CALLS + 1
        self._do(
            'kill the scheduler before call %d, for a normal one of %d',
            number,
            size,
        )
        uuid, is_killed = self.cloud.ask_and_kill(size, number)
        if is_killed:
            self.cloud.counts['crashes'] += 1
            self.cloud.is_abandoned = True
        self._drop_failed(uuid)

    def hang(self, number, size, is_so):
        """Have a request, or two, meet a hypervisor that hangs."""
        host = self.cloud.hosts[number % len(self.cloud.hosts)]
        sizes = [self._beyond(size), number % 4 + 1][: is_so + 1]
        self._do('boot normal ones of %s while %s hangs', sizes, host)
        before = self.cloud.counts['evictions on ' + host]
        with self.cloud.hanging(host):
            uuids = [self.cloud.ask_for(vcpus, False) for vcpus in sizes]
            for uuid in uuids:
                self.cloud.status_of(uuid)
        self.cloud.assertGreaterEqual(
            before + 1, self.cloud.counts['evictions on ' + host]
        )
        self.cloud.counts['hangs'] += 1
        self._drop_failed(*uuids)

    def fail_to_delete(self, number, size, is_so):
        """Have a request meet a victim that nova cannot delete."""
        size = self._beyond(size)
        self._do('boot a normal one of %d; a deletion fails', size)
        with self.cloud.failing_once('destroy'):
            uuid = self.cloud.ask_for(size, False)
            self.cloud.status_of(uuid)
        self._drop_failed(uuid)
        failed = self._pick(number, 'ERROR')
        if failed and is_so:
            self._do('delete %s', failed)
            self.cloud.api.delete_server(failed.uuid)
            self.cloud.status_of(failed.uuid)

    def fail_to_build(self, number, size, is_so):
        size = self._beyond(size)
        self._do('boot a normal one of %d; its build fails', size)
        with self.cloud.failing_once('spawn'):
            uuid = self.cloud.ask_for(size, False)
            self.cloud.status_of(uuid)
        self._drop_failed(uuid)

    def reap(self, number, size, is_so):
        self._reap()

    def _reap(self):
        if self.cloud.is_abandoned:
            self._do('reap')
            self.cloud.repair()
            kept, self.cloud.kept = self.cloud.kept, []
            self._drop_failed(*kept)

    def delete(self, number, size, is_so):
        normal = [
            server
            for server in self.cloud.servers()
            if not server.is_preemptible
        ]
        # Preemptible servers should remain the most.
        if sum(server.vcpus for server in normal) > crowd.VCPUS / 2:
            server = normal[number % len(normal)]
        else:
            server = self._pick(number)
        if server:
            self._do('delete %s', server)
            self.cloud.api.delete_server(server.uuid)
            self.cloud.status_of(server.uuid)

    def stop_or_start(self, number, size, is_so):
        server = self._pick(number, 'ACTIVE', 'SHUTOFF')
        if server:
            self._do('stop or start %s', server)
            is_active = server.status == 'ACTIVE'
            self.cloud.act(server.uuid, 'os-stop' if is_active else 'os-start')
            self.cloud.assertEqual(
                'SHUTOFF' if is_active else 'ACTIVE',
                self.cloud.status_of(server.uuid),
            )

    def lock_or_unlock(self, number, size, is_so):
        server = self._pick(number)
        if server and is_so:
            self._do('lock and unlock %s', server)
            self.cloud.act(server.uuid, 'lock')
            self.cloud.act(server.uuid, 'unlock')
        elif server:
            self._do('protect %s, or no more', server)
            self.cloud.protect(server.uuid, not server.is_protected)

    def resize(self, number, size, is_so):
        server = self._pick(number, 'ACTIVE', 'SHUTOFF')
        if server and server.vcpus != size:
            self._do('resize %s to %d', server, size)
            flavor = {'flavorRef': self.cloud.flavor_of(size)}
            self.cloud.act(server.uuid, 'resize', flavor)
            self._do('  it is %s', self.cloud.status_of(server.uuid))

    def end_resize(self, number, size, is_so):
        server = self._pick(number, 'VERIFY_RESIZE')
        if server:
            action = 'confirmResize' if is_so else 'revertResize'
            self._do('%s of %s', action, server)
            self.cloud.act(server.uuid, action)
            self.cloud.wait_while(server.uuid, 'VERIFY_RESIZE')

    def set_host(self, number, size, is_so):
        host = self.cloud.hosts[number % len(self.cloud.hosts)]
        self._do('%s %s', 'enable' if is_so else 'disable', host)
        self.cloud.enable(host, is_so)

    @stateful.invariant()
    @once
    def nothing_is_lost(self):
        self.cloud.check()

    @once
    def teardown(self):
        self._reap()
        self.cloud.check_after_audits()
        for host in self.cloud.hosts:
            self.cloud.enable(host, True)
        for server in self.cloud.servers():
            self.cloud.api.delete_server(server.uuid)
            self.cloud.status_of(server.uuid)
        self.cloud.check_after_audits()
