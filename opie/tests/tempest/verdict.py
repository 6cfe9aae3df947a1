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

"""What two runs of tempest, on a nova without opie and with it, show."""

import collections

from opie.tests.tempest import skips

# Subunit's words for what came out.
_WORDS = {'success': 'passed', 'xfail': 'passed', 'skip': 'skipped'}


def complaints(without, with_opie, least):
    """Return what is wrong, as lines.

    :param without: test to :class:`opie.tests.stestr.Outcome`.
    :param with_opie: the same.
    :param least: how many tests have to pass on both sides.
    """
    for test in sorted(without.keys() | with_opie.keys()):
        words = word_of(without.get(test)), word_of(with_opie.get(test))
        if words[0] != words[1]:
            yield 'Differs: %s: %s without opie, %s with opie.' % (
                test,
                *words,
            )
    number = len(_passed(without) & _passed(with_opie))
    if number < least:
        yield 'Only %d tests passed on both sides, of at least %d.' % (
            number,
            least,
        )
    for test, outcome in sorted(with_opie.items()):
        if outcome.status == 'skip' and not skips.why(outcome.reason):
            yield 'Skipped for a reason that is not known: %s: %s' % (
                test,
                outcome.reason.strip(),
            )


def report(without, with_opie):
    """Return what came out, as lines."""
    for test in sorted(without.keys() & with_opie.keys()):
        words = {word_of(without[test]), word_of(with_opie[test])}
        if words == {'failed'}:
            yield 'Failed on both sides: %s.' % test
    reasons = collections.Counter(
        skips.why(outcome.reason)
        for outcome in with_opie.values()
        if outcome.status == 'skip'
    )
    for reason, number in sorted(reasons.items(), key=str):
        yield 'Skipped, %d: %s.' % (number, reason or 'other reasons')
    for name, results in (('without', without), ('with', with_opie)):
        words = collections.Counter(map(word_of, results.values()))
        yield '%-7s opie: %d passed, %d failed, %d skipped' % (
            name,
            words['passed'],
            words['failed'],
            words['skipped'],
        )


def word_of(outcome):
    """Return ``passed``, ``failed``, ``skipped`` or ``not run``."""
    if outcome is None:
        return 'not run'
    return _WORDS.get(outcome.status, 'failed')


def _passed(results):
    return {
        test
        for test, outcome in results.items()
        if word_of(outcome) == 'passed'
    }
