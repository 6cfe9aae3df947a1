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

"""Whether another plan follows an attempt that failed."""

import types
from unittest import mock

import nova.conf
import testtools

import opie.conf
from opie.preemption import model
from opie.scheduler import errors
from opie.scheduler import report
from opie.scheduler import waiting
from opie.scheduler.planning import old_places
from opie.scheduler.preempting import attempt as attempts
from opie.scheduler.preempting import quota
from opie.scheduler.preempting import undoing

opie.conf.register_opts(nova.conf.CONF)

_PROVIDER = 'provider'
_VOID = errors.AttemptVoid('the victim was moved', 'victim')


def _attempt(number_of_victims=1):
    """Return an attempt of one preemptor, which takes of each victim."""
    victims = tuple(
        model.Server('victim %d' % number, {'VCPU': 1})
        for number in range(number_of_victims)
    )
    request = model.Request(('preemptor',), {'VCPU': number_of_victims})
    plan = model.Plan(
        (model.Nomination('preemptor', _PROVIDER, victims),),
        shares={server.uuid: {'preemptor': {'VCPU': 1}} for server in victims},
    )
    shot = types.SimpleNamespace(
        request=request,
        cloud=mock.Mock(),
        spec=mock.Mock(),
        shared=mock.Mock(old_places=old_places.OldPlaces({})),
    )
    sources = types.SimpleNamespace(
        placement=None,
        worker=types.SimpleNamespace(name='a worker', servicegroup=None),
        deadline=waiting.Deadline.after(60),
    )
    return attempts.Attempt(
        shot,
        plan,
        sources,
        ('project', 'user'),
        quota.Quota(None, ('preemptor',), None),
        1,
    )


class UndoTest(testtools.TestCase):
    """An attempt of two victims that was claimed, and is stopped."""

    def setUp(self):
        super().setUp()
        self.attempt = _attempt(2)
        with mock.patch.object(self.attempt.placement_claim, 'prepare'):
            self.attempt.prepare()
        self.wasted = []
        self.enterContext(
            mock.patch.object(
                report,
                'wasted',
                lambda number, preemptors, victims: self.wasted.append(number),
            )
        )

    def undo(self, error, is_undone=True):
        with mock.patch.object(
            undoing.Undoing, 'run', return_value=is_undone
        ) as undo:
            try:
                self.attempt.undo(error)
            finally:
                self.is_given_back = undo.called

    def assertFails(self, error, **kwargs):
        self.assertRaisesRegex(
            errors.AttemptFailed, str(error), self.undo, error, **kwargs
        )
        self.assertTrue(self.is_given_back)

    def test_another_plan_follows_where_no_victim_was_sent_away(self):
        self.undo(_VOID)
        self.assertTrue(self.is_given_back)
        self.assertEqual([], self.wasted)

    def test_another_begins_with_the_room_of_those_sent_away(self):
        """Whether their room was used is known when the request ends."""
        self.attempt.sent.add('victim 0')
        self.undo(_VOID)
        self.assertEqual([], self.wasted)
        self.assertEqual({'victim 0': _PROVIDER}, self.attempt.sent_from)

    def test_none_follows_where_something_cannot_be_given_back(self):
        self.assertFails(_VOID, is_undone=False)
        self.assertEqual([], self.wasted)

    def test_what_was_lost_is_counted_then(self):
        self.attempt.sent.add('victim 0')
        self.assertFails(_VOID, is_undone=False)
        self.assertEqual([1], self.wasted)

    def test_other_errors_end_the_request_and_count_what_was_lost(self):
        for error in (errors.TooLate(), ValueError('unexpected')):
            self.wasted.clear()
            self.attempt.sent.add('victim 1')
            self.undo(error)
            self.assertTrue(self.is_given_back)
            self.assertEqual([1], self.wasted)


class LateClaimTest(testtools.TestCase):
    """A claim without an answer arrives once it was given back."""

    def test_it_is_given_back_once_more(self):
        attempt = _attempt()
        claim = mock.Mock()
        claim.give_back_for.return_value = True
        claim.close_journal.side_effect = [False, True]
        attempt.placement_claim = claim
        self.assertTrue(undoing.Undoing(attempt).give_back({'preemptor'}))
        self.assertEqual(2, claim.give_back_for.call_count)


class ClaimTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.attempt = _attempt()

    def fail_with(self, error):
        with mock.patch.object(
            self.attempt.placement_claim, 'prepare', side_effect=error
        ):
            self.assertRaises(type(error), self.attempt.prepare)
        with mock.patch.object(
            undoing.Undoing, 'run', return_value=True
        ) as undo:
            self.attempt.undo(error)
        return undo.called

    def test_a_claim_that_was_not_made_is_not_given_back(self):
        for error in (
            errors.ClaimFailed('409'),
            errors.LimitReached('[opie] max_preemptions_per_minute'),
        ):
            self.assertFalse(self.fail_with(error))

    def test_a_claim_that_may_have_been_made_is_given_back(self):
        self.assertTrue(self.fail_with(ValueError('no answer')))

    def test_no_claim_is_made_when_the_time_is_over(self):
        self.attempt.sources.deadline = waiting.Deadline.after(0)
        with mock.patch.object(
            self.attempt.placement_claim, 'prepare'
        ) as prepare:
            self.assertRaises(errors.TooLate, self.attempt.prepare)
        self.assertFalse(prepare.called)
