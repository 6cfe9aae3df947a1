"""Print how long a run of tox took, and how many tests passed and failed.

Every test of the suites counts, and every other environment counts as one.  A
suite that fails without a failed test, or runs no test, counts as one failed.
"""

import collections
import csv
import io
import json
import pathlib
import subprocess
import sys

SUITES = (
    'unit',
    'functional',
    'smoke-nova33',
    'smoke-nova32',
    'smoke-nova31',
    'nova-suite',
    'client-oldest',
    'client-newest',
    'patched',
    'patches',
    'e2e',
    'tempest-part',
)
LINES_OF_A_FAILED_SUITE = 200
OUTCOMES = {'success': 'passed', 'xfail': 'passed', 'skip': 'skipped'}


def main(result_path):
    results = read_results(result_path)
    show_times(results)
    outcomes = {}
    for env in dict.fromkeys((*results, *SUITES)):
        is_good = is_success(results.get(env, {}))
        tests = read_tests(env) if env in results and env in SUITES else {}
        if 'failed' in tests.values():
            show_failures(env)
        # One test may run in several environments.
        outcomes.update(
            {'%s: %s' % (env, test): tests[test] for test in tests}
        )
        if not tests or (not is_good and 'failed' not in tests.values()):
            is_passed = is_good and env not in SUITES
            outcomes['tox -e ' + env] = 'passed' if is_passed else 'failed'
    return report(outcomes)


def read_results(path):
    """Return environment to its result, of those that ran."""
    try:
        environments = json.loads(pathlib.Path(path).read_text())['testenvs']
    except (ValueError, KeyError):
        return {}
    return {
        name: env['result']
        for name, env in environments.items()
        if 'result' in env
    }


def is_success(result):
    return result.get('success', False) and not result.get('skipped')


def show_times(results):
    """Print how long each environment took, its installation included."""
    seconds = {env: results[env].get('duration', 0) for env in results}
    for env in sorted(seconds, key=seconds.get, reverse=True):
        print('%5d s  %s' % (seconds[env], env))
    print('%5d s  in all' % sum(seconds.values()))


def read_tests(env):
    """Return test to outcome in the last run of a suite."""
    home = pathlib.Path('.tox', env)
    try:
        stream = subprocess.run(
            [home / 'bin/stestr', '--repo-url', home, 'last', '--subunit'],
            stdout=subprocess.PIPE,
        ).stdout
        table = subprocess.run(
            [home / 'bin/subunit2csv', '--no-passthrough'],
            input=stream,
            stdout=subprocess.PIPE,
        ).stdout.decode()
    except OSError:
        return {}
    return {
        row['test']: OUTCOMES.get(row['status'], 'failed')
        for row in csv.DictReader(io.StringIO(table))
    }


def show_failures(env):
    """Print how the tests of a suite failed, near the end of the output."""
    home = pathlib.Path('.tox', env)
    text = subprocess.run(
        [home / 'bin/stestr', '--repo-url', home, 'failing'],
        stdout=subprocess.PIPE,
    ).stdout.decode(errors='replace')
    for line in text.splitlines()[-LINES_OF_A_FAILED_SUITE:]:
        print(line)


def report(outcomes):
    """Print all that did not pass and the count; return the exit status."""
    for name, outcome in sorted(outcomes.items()):
        if outcome != 'passed':
            print('%s: %s' % (outcome, name))
    count = collections.Counter(outcomes.values())
    line = '%d passed, %d failed' % (count['passed'], count['failed'])
    if count['skipped']:
        line += ', %d skipped' % count['skipped']
    print(line)
    return 1 if count['failed'] or not count['passed'] else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1]))
