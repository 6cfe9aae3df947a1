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

"""One victim of a host goes first, unless the host is known to work."""

import time
import types
from unittest import mock

import fixtures
import nova.conf
from nova.tests import fixtures as nova_fixtures
import testtools

import opie.conf
from opie.preemption import model
from opie.scheduler import errors
from opie.scheduler import waiting
from opie.scheduler.claims import rivals
from opie.scheduler.nova_db import own_deletions
from opie.scheduler.planning import host_queues
from opie.scheduler.preempting import first_victims
from opie.scheduler.preempting import still_wanted
from opie.tests.stand_ins import clock

CONF = nova.conf.CONF
opie.conf.register_opts(CONF)

_NOW = 1e9
_QUIET = own_deletions.OnHost({}, None)
_VICTIMS = [('a', model.Server(uuid, {'VCPU': 1})) for uuid in 'vw']


def _asked(seconds_ago, ended=None):
    """Return a host that was asked to delete a victim so long ago.

    :param ended: when a deletion has ended there, in seconds from now.
    """
    ended_at = None if ended is None else _NOW + ended
    return own_deletions.OnHost({'x': _NOW - seconds_ago}, ended_at)


def _ended(seconds_ago):
    return own_deletions.OnHost({}, _NOW - seconds_ago)


class FirstVictimsTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.useFixture(nova_fixtures.ConfFixture(CONF))
        self.clock = clock.Clock()
        self.useFixture(
            fixtures.MonkeyPatch('opie.scheduler.waiting.time', self.clock)
        )
        self.useFixture(
            fixtures.MockPatchObject(
                time, 'time', lambda: _NOW + self.clock.seconds
            )
        )
        self.note_unwanted = self.useFixture(
            fixtures.MockPatchObject(still_wanted, 'note_unwanted')
        ).mock
        self.is_first_on = self.useFixture(
            fixtures.MockPatchObject(rivals, 'is_first_on', return_value=True)
        ).mock
        self.useFixture(
            fixtures.MockPatchObject(rivals, 'place', lambda own: own)
        )
        self.attempt = mock.Mock(deadline=waiting.Deadline.after(120))
        self.attempt.placement_claim.preemptions = (_NOW, 'own')
        self.queues = host_queues.HostQueues()
        self.attempt.sources.worker.queues = self.queues
        self.attempt.shot.states = {
            name: types.SimpleNamespace(host='host ' + name) for name in 'ab'
        }

    def wait(self, *found, victims=_VICTIMS):
        """Wait for a turn.

        :param found: what is found of the host, the last one ever after.
        :returns: (uuids of those that go, of those that go later).
        """
        turns = first_victims.FirstVictims(self.attempt)
        every = [*found[:-1], *[found[-1]] * 1000]
        with (
            turns.queued(victims),
            mock.patch.object(turns, '_read', side_effect=every) as self.read,
        ):
            return [
                [server.uuid for _, server in some]
                for some in turns.wait_for_turns(victims)
            ]

    def assertElsewhere(self, *found):
        void = self.assertRaises(errors.AttemptVoid, self.wait, *found)
        self.assertEqual({'a'}, void.providers)
        self.assertIn('host a does not delete', str(void))

    def test_on_a_quiet_host_one_goes_first(self):
        self.assertEqual([['v'], ['w']], self.wait(_QUIET))
        self.assertEqual(0, self.clock.seconds)

    def test_on_a_host_that_works_all_go(self):
        """One question is asked, and none of other requests."""
        self.assertEqual([['v', 'w'], []], self.wait(_ended(1)))
        self.assertEqual(1, self.read.call_count)
        self.assertFalse(self.is_first_on.called)

    def test_what_ended_long_ago_tells_nothing(self):
        self.assertEqual([['v'], ['w']], self.wait(_ended(6)))

    def test_one_that_costs_nothing_goes_first(self):
        free = model.Server('z', {'VCPU': 1}, is_soft_deleted=True)
        victims = [*_VICTIMS, ('a', free)]
        self.assertEqual(
            [['z'], ['v', 'w']], self.wait(_QUIET, victims=victims)
        )

    def test_each_host_has_a_first_one(self):
        victims = [
            (name, model.Server(name + uuid, {'VCPU': 1}))
            for name in 'ba'
            for uuid in '12'
        ]
        self.assertEqual(
            [['a1', 'b1'], ['a2', 'b2']], self.wait(_QUIET, victims=victims)
        )

    def test_nothing_is_asked_where_no_victim_goes(self):
        self.assertEqual([[], []], self.wait(_QUIET, victims=[]))
        self.assertFalse(self.read.called)

    def test_one_of_another_request_is_waited_for(self):
        found = _asked(0), _asked(0), _ended(0)
        self.assertEqual([['v', 'w'], []], self.wait(*found))
        self.assertLess(0, self.clock.seconds)

    def test_nor_does_an_end_before_it_was_sent_tell_that_the_host_works(self):
        """The host has hung since."""
        self.assertElsewhere(_asked(1, ended=-2))

    def test_an_end_after_it_was_sent_does(self):
        self.assertEqual([['v', 'w'], []], self.wait(_asked(3, ended=-2)))

    def test_so_does_one_that_is_seen_whatever_clocks_say(self):
        """The compute's clock is half a minute late."""
        found = _asked(1, ended=-40), _asked(1, ended=-40), _asked(1, -31)
        self.assertEqual([['v', 'w'], []], self.wait(*found))

    def test_where_it_fails_to_go_the_next_one_goes_first(self):
        self.assertEqual([['v'], ['w']], self.wait(_asked(0), _QUIET))

    def test_before_it_goes_first_it_sees_whether_another_has_just_gone(self):
        found = _QUIET, _asked(0), _ended(0)
        self.assertEqual([['v', 'w'], []], self.wait(*found))
        fresh = [call.kwargs.get('is_fresh') for call in self.read.mock_calls]
        self.assertEqual([None, True, None], fresh)

    def test_only_the_next_of_a_worker_asks_for_those_of_others(self):
        CONF.set_override('host_timeout_seconds', 7, 'opie')
        with self.queues.joined(['a'], (_NOW - 1, 'other')):
            self.assertElsewhere(_QUIET)
        self.assertFalse(self.is_first_on.called)
        self.assertEqual([['v'], ['w']], self.wait(_QUIET))

    def test_a_request_that_goes_first_is_waited_for(self):
        self.is_first_on.side_effect = [False, False, True]
        self.assertEqual([['v'], ['w']], self.wait(_QUIET))
        self.assertLess(0, self.clock.seconds)

    def test_a_host_that_hangs_is_left_when_its_victim_counts_as_stuck(self):
        self.assertElsewhere(_asked(10))
        self.assertLess(19, self.clock.seconds)
        self.assertLess(self.clock.seconds, 23)

    def test_and_when_its_time_is_over(self):
        self.is_first_on.return_value = False
        CONF.set_override('host_timeout_seconds', 7, 'opie')
        self.assertElsewhere(_QUIET)
        self.assertLess(6, self.clock.seconds)
        self.assertLess(self.clock.seconds, 9)

    def test_no_wait_is_longer_than_the_request(self):
        self.is_first_on.return_value = False
        self.attempt.deadline = waiting.Deadline.after(5)
        self.assertRaises(errors.TooLate, self.wait, _QUIET)

    def test_nor_is_one_for_a_server_that_is_not_wanted_any_more(self):
        self.is_first_on.return_value = False
        self.note_unwanted.side_effect = errors.NoRoomMade('deleted')
        self.assertRaises(errors.NoRoomMade, self.wait, _QUIET)

    def test_nor_once_preemption_is_switched_off(self):
        self.is_first_on.return_value = False
        CONF.set_override('enabled', False, 'opie')
        self.assertRaises(errors.SwitchedOff, self.wait, _QUIET)
