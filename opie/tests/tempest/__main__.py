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

"""``python -m opie.tests.tempest [--part] [--neutron] [regex ...]``.

It exits with status 1 if a test does not come out the same with opie and
without.
"""

import argparse
import pathlib
import signal
import subprocess
import sys

from opie.tests.tempest import runs
from opie.tests.tempest import verdict

_WHOLE = r'^tempest\.api\.compute\.'
_PART = pathlib.Path(__file__).with_name('part.txt')
# How many tests have to pass on both sides: a run that proves little would
# otherwise fail nowhere.
_LEAST, _LEAST_OF_PART = 200, 60
# Of one side, on a machine that is slow.
_SECONDS, _SECONDS_OF_PART = 5400, 1200


def main(argv):
    """Run the tests; return the exit status."""
    args = _parse(argv)
    # The sandbox is stopped then.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    filters, least, seconds = [_WHOLE], _LEAST, _SECONDS
    if args.part:
        filters, least = part(), _LEAST_OF_PART
        seconds = _SECONDS_OF_PART
    if args.filters:
        filters, least = args.filters, 1
    with runs.sandbox() as cloud:
        try:
            results = [
                runs.run(
                    *(cloud, home, filters, seconds),
                    has_opie=has_opie,
                    has_neutron=args.neutron,
                )
                # What a run of tox counts is in the environment's own folder.
                for has_opie, home in (
                    (False, args.home / 'without-opie'),
                    (True, args.home),
                )
            ]
        except subprocess.TimeoutExpired:
            sys.stdout.write('The tests took more than %d s.\n' % seconds)
            return 1
    wrong = list(verdict.complaints(*results, least))
    for line in (*verdict.report(*results), *wrong):
        sys.stdout.write(line + '\n')
    return 1 if wrong else 0


def part():
    """Return the regular expressions of the tests that are run each time."""
    lines = _PART.read_text().splitlines()
    return [line for line in lines if line and not line.startswith('#')]


def _parse(argv):
    parser = argparse.ArgumentParser(prog='opie.tests.tempest')
    parser.add_argument('--home', type=pathlib.Path, required=True)
    parser.add_argument('--part', action='store_true')
    parser.add_argument('--neutron', action='store_true')
    parser.add_argument('filters', nargs='*')
    return parser.parse_args(argv)


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
