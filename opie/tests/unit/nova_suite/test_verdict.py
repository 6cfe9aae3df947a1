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

"""Runs of nova's tests that are no success."""

import io

import fixtures
import testtools

from opie.tests.nova_suite import __main__ as suite
from opie.tests.nova_suite import runs

NOVAS = 'nova.scheduler.manager.SchedulerManager'


def result(outcomes, asked=None):
    return runs.Result(outcomes, asked or {}, ())


class TestCheckAsked(testtools.TestCase):
    def check(self, *arguments):
        return list(suite.check_asked(result(*arguments)))

    def test_opie_was_asked_in_most_tests(self):
        outcomes = dict.fromkeys('abc', 'success')
        self.assertEqual([], self.check(outcomes, {suite.OPIES: {'a', 'b'}}))

    def test_the_suite_did_not_run_opie(self):
        self.assertEqual(
            [
                'Not opie but %s was asked in a.' % NOVAS,
                'opie was asked in less than half of the tests.',
            ],
            self.check({'a': 'success'}, {NOVAS: {'a'}}),
        )

    def test_nova_was_asked_once(self):
        self.assertEqual(
            ['Not opie but %s was asked in b.' % NOVAS],
            self.check(
                dict.fromkeys('abc', 'success'),
                {suite.OPIES: {'a', 'c'}, NOVAS: {'b'}},
            ),
        )

    def test_no_test_ran(self):
        self.assertEqual(['No test ran.'], self.check({}))


class TestCheckNumber(testtools.TestCase):
    def check(self, ran, skipped=0):
        outcomes = {str(number): 'success' for number in range(ran)}
        outcomes |= {'s%d' % number: 'skip' for number in range(skipped)}
        return list(suite.check_number(result(outcomes)))

    def test_as_many_as_there_must_be(self):
        self.assertEqual([], self.check(suite.LEAST_TESTS))

    def test_one_too_few(self):
        self.assertEqual(
            ['Only 149 tests of nova ran, of at least 150.'], self.check(149)
        )

    def test_one_that_was_skipped_did_not_run(self):
        self.assertEqual(
            ['Only 149 tests of nova ran, of at least 150.'],
            self.check(149, skipped=5),
        )


class TestMain(testtools.TestCase):
    """Whether the number counts for what was asked for."""

    def run_with(self, *arguments):
        """Return the exit status of a run with three tests."""
        few = result(
            dict.fromkeys('abc', 'success'), {suite.OPIES: set('abc')}
        )
        self.useFixture(
            fixtures.MockPatchObject(runs, 'run', lambda *args: few)
        )
        self.useFixture(fixtures.MonkeyPatch('sys.stdout', io.StringIO()))
        return suite.main(['--home', '.', *arguments])

    def test_the_core_has_more(self):
        self.assertEqual(1, self.run_with())

    def test_so_has_the_whole(self):
        self.assertEqual(1, self.run_with('--whole'))

    def test_of_those_that_were_chosen_there_may_be_few(self):
        self.assertEqual(0, self.run_with('a', 'b|c'))


class TestCheckOutcomes(testtools.TestCase):
    def check(self, before, after):
        return list(
            suite.check_outcomes(before and result(before), result(after))
        )

    def test_alone_every_test_has_to_succeed(self):
        self.assertEqual(
            ['Failed: b.'],
            self.check(None, {'a': 'success', 'b': 'fail', 'c': 'skip'}),
        )

    def test_a_test_that_fails_with_both_is_no_difference(self):
        outcomes = {'a': 'success', 'b': 'fail', 'c': 'skip'}
        self.assertEqual([], self.check(outcomes, outcomes))

    def test_differences_are_told(self):
        self.assertEqual(
            [
                'Differs: a: success with nova, fail with opie.',
                'Differs: b: fail with nova, success with opie.',
                'Differs: c: skip with nova, not run with opie.',
            ],
            self.check(
                {'a': 'success', 'b': 'fail', 'c': 'skip'},
                {'a': 'fail', 'b': 'success'},
            ),
        )

    def test_what_failed_with_both_is_reported(self):
        outcomes = result({'a': 'fail'})
        self.assertIn(
            'Failed with both: a.', list(suite.report(outcomes, outcomes))
        )
