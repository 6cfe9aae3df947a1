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

"""``python -m opie.tests.nova_suite [--whole] [regex ...]``.

Without ``--whole`` the core of the tests runs with opie's classes, and has to
succeed.  With it, all run with nova's classes and with opie's, and have to
come out the same.
"""

import argparse
import pathlib
import sys

from opie.tests.nova_suite import runs

OPIES = 'opie.scheduler.filter_scheduler.FilterScheduler'
# Of nova 34 the core has 152.  Modules of nova that lose their tests, or load
# none of them, would make a run that proves little and fails nowhere.
LEAST_TESTS = 150


def main(argv):
    """Run the tests; return the exit status."""
    parser = argparse.ArgumentParser(prog='opie.tests.nova_suite')
    parser.add_argument('--home', type=pathlib.Path, required=True)
    parser.add_argument('--whole', action='store_true')
    parser.add_argument('filters', nargs='*')
    args = parser.parse_args(argv)
    before = None
    if args.whole:
        before = runs.run('nova', args.home / 'nova', True, args.filters)
    after = runs.run('opie', args.home, args.whole, args.filters)
    complaints = [*check_asked(after), *check_outcomes(before, after)]
    if not args.filters:
        complaints += check_number(after)
    for line in (*report(before, after), *complaints):
        sys.stdout.write(line + '\n')
    return 1 if complaints else 0


def check_asked(result):
    """Return what is wrong about the classes that were asked for a host."""
    for cls in sorted(result.asked.keys() - {OPIES}):
        for test in sorted(result.asked[cls]):
            yield 'Not opie but %s was asked in %s.' % (cls, test)
    if 2 * len(result.asked.get(OPIES, ())) < len(result.outcomes):
        yield 'opie was asked in less than half of the tests.'
    if not result.outcomes:
        yield 'No test ran.'


def check_number(result):
    """Return what is wrong about how many tests ran that were not chosen."""
    ran = sum(outcome != 'skip' for outcome in result.outcomes.values())
    if ran < LEAST_TESTS:
        yield 'Only %d tests of nova ran, of at least %d.' % (
            ran,
            LEAST_TESTS,
        )


def check_outcomes(before, after):
    """Return what is wrong about what came out.

    :param before: the :class:`runs.Result` with nova's classes, or None where
        every test has to succeed.
    :param after: the one with opie's.
    """
    if before is None:
        for test in sorted(after.failed):
            yield 'Failed: %s.' % test
        return
    for test in sorted(before.outcomes.keys() | after.outcomes.keys()):
        outcomes = before.outcomes.get(test), after.outcomes.get(test)
        if outcomes[0] != outcomes[1]:
            yield 'Differs: %s: %s with nova, %s with opie.' % (
                test,
                *(outcome or 'not run' for outcome in outcomes),
            )


def report(before, after):
    """Return what is worth knowing and no fault of opie's."""
    for name, result in (('nova', before), ('opie', after)):
        if result is not None:
            for test in result.repeated:
                yield 'Run twice with %s: %s.' % (name, test)
    if before is not None:
        for test in sorted(before.failed & after.failed):
            yield 'Failed with both: %s.' % test
    yield 'opie was asked for a host in %d of %d tests.' % (
        len(after.asked.get(OPIES, ())),
        len(after.outcomes),
    )


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
