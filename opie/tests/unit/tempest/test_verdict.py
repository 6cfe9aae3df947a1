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

"""Runs of tempest that do not come out the same with opie and without."""

import pathlib

import testtools

from opie.tests import stestr
from opie.tests.tempest import skips
from opie.tests.tempest import verdict

PASSED = stestr.Outcome('success')
FAILED = stestr.Outcome('fail')
SKIPPED = stestr.Outcome('skip', 'Found shared networks: []')


class TestComplaints(testtools.TestCase):
    def check(self, without, with_opie, least=0):
        return list(verdict.complaints(without, with_opie, least))

    def test_all_is_the_same(self):
        results = {'a': PASSED, 'b': FAILED, 'c': SKIPPED}
        self.assertEqual([], self.check(results, dict(results)))

    def test_a_test_comes_out_another_way(self):
        for other, word in (
            (FAILED, 'failed'),
            (SKIPPED, 'skipped'),
            (None, 'not run'),
        ):
            with_opie = {'a': other} if other else {}
            self.assertEqual(
                ['Differs: a: passed without opie, %s with opie.' % word],
                self.check({'a': PASSED}, with_opie),
            )

    def test_a_failure_that_opie_mends_is_a_difference_too(self):
        self.assertEqual(1, len(self.check({'a': FAILED}, {'a': PASSED})))

    def test_a_class_that_could_not_begin_on_one_side(self):
        self.assertEqual(
            [
                'Differs: a: passed without opie, not run with opie.',
                'Differs: setUpClass (a): not run without opie, failed with '
                'opie.',
            ],
            self.check({'a': PASSED}, {'setUpClass (a)': FAILED}),
        )

    def test_a_test_that_was_killed_has_failed(self):
        killed = stestr.Outcome('inprogress')
        self.assertEqual('failed', verdict.word_of(killed))

    def test_too_few_tests_passed_on_both_sides(self):
        results = {'a': PASSED, 'b': FAILED, 'c': SKIPPED}
        self.assertEqual(
            ['Only 1 tests passed on both sides, of at least 2.'],
            self.check(results, results, 2),
        )

    def test_a_reason_for_skipping_is_new(self):
        results = {'a': stestr.Outcome('skip', 'ports extension is missing')}
        self.assertEqual(
            [
                'Skipped for a reason that is not known: a: ports extension '
                'is missing'
            ],
            self.check(results, results),
        )


class TestReport(testtools.TestCase):
    def test_it_counts_both_sides(self):
        lines = list(
            verdict.report(
                {'a': PASSED, 'b': FAILED, 'c': SKIPPED},
                {'a': PASSED, 'b': FAILED, 'c': SKIPPED, 'd': PASSED},
            )
        )
        self.assertIn('Failed on both sides: b.', lines)
        self.assertIn(
            'without opie: 1 passed, 1 failed, 1 skipped',
            [' '.join(line.split()) for line in lines],
        )
        self.assertIn(
            'with opie: 2 passed, 1 failed, 1 skipped',
            [' '.join(line.split()) for line in lines],
        )


class TestSkips(testtools.TestCase):
    def test_the_page_tells_every_reason(self):
        page = pathlib.Path(__file__).parents[4] / 'doc/source/tempest.rst'
        lines = page.read_text().splitlines()
        for _, text in skips.REASONS:
            self.assertIn('* ' + text, lines)
