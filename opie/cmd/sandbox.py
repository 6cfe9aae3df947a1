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

"""``opie-sandbox``: a real, small OpenStack cloud on the loopback interface.

The command runs as the user who calls it, without root, and keeps the whole
cloud in one directory.  An error is one line on stderr and exit status 1.
"""

import os
import shlex
import shutil
import signal
import sys
import time

from opie.cmd import sandbox_arguments
from opie.sandbox import cloud
from opie.sandbox import credentials
from opie.sandbox import errors
from opie.sandbox import home
from opie.sandbox import programs
from opie.sandbox import status

_STATUS_INTERRUPTED = 130


def main(argv=None):
    """Do what the command line says; return the exit status."""
    args = sandbox_arguments.parse(argv)
    _interrupt_once()
    the_cloud = cloud.SandboxCloud(args.state_dir)
    try:
        return _COMMANDS[args.command](the_cloud, args) or 0
    except (errors.SandboxError, OSError) as error:
        print('%s: %s' % (sandbox_arguments.NAME, error), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        what = 'the cloud still runs' if the_cloud.runs() else 'nothing runs'
        print(
            '%s: interrupted, %s.' % (sandbox_arguments.NAME, what),
            file=sys.stderr,
        )
        return _STATUS_INTERRUPTED


def _interrupt_once():
    """Let the first request to stop be the last, so that it is obeyed."""

    def interrupt(number, frame):
        for item in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(item, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)


def _up(the_cloud, args):
    start = time.monotonic()
    the_cloud.up(_report, **args.changes)
    size = the_cloud.site.settings
    _say(
        'The cloud runs, after %.0f s. Hosts: %d, each of %d VCPU and %d MB. '
        'Schedulers: %d.'
        % (
            time.monotonic() - start,
            size.hosts,
            size.vcpus,
            size.ram_mb,
            size.schedulers,
        )
    )
    _say(_USAGE % {'command': _command(the_cloud)})


_USAGE = """\
Use it:
  eval "$(%(command)s env)"
  openstack server create --flavor small --image tiny server-1
  openstack server list
Look at it with "%(command)s status", stop it with "%(command)s down"."""


def _command(the_cloud):
    """Return how to call this command for this cloud."""
    words = [sandbox_arguments.NAME]
    if (
        'TOX_ENV_NAME' in os.environ
        or shutil.which(sandbox_arguments.NAME) is None
    ):
        words = [programs.script(sandbox_arguments.NAME)]
    if the_cloud.home.path != home.Home().path:
        words += ['--state-dir', str(the_cloud.home.path)]
    return shlex.join(words)


def _report(name, seconds):
    _say('  %5.1f s  %s' % (seconds, name))


def _say(text):
    """Print, also into a pipe whose reader has ended, such as head."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _down(the_cloud, args):
    number = the_cloud.down()
    _say('Stopped, %d processes.' % number if number else 'Nothing runs.')


def _reset(the_cloud, args):
    the_cloud.reset()
    _say('Nothing runs, and nothing is left in %s.' % the_cloud.home.path)


def _status(the_cloud, args):
    return status.show(the_cloud, _say)


def _env(the_cloud, args):
    _say(credentials.exports(the_cloud.credentials(args.user)))
    folder = os.path.dirname(programs.script(sandbox_arguments.NAME))
    if 'TOX_ENV_NAME' in os.environ or folder not in os.get_exec_path():
        # The openstack command is there, and nowhere else maybe.
        _say('export PATH="$PATH":%s;' % shlex.quote(folder))


def _logs(the_cloud, args):
    paths = {
        path.stem: path for path in sorted(the_cloud.home.logs.glob('*.log'))
    }
    if args.service is None:
        for path in paths.values():
            _say(path)
        return
    if args.service not in paths:
        raise errors.SandboxError(
            'There is no log of %s in %s: choose %s.'
            % (
                args.service,
                the_cloud.home.logs,
                ', '.join(paths) or 'none, make a cloud first',
            )
        )
    command = ['tail', '-n', str(args.lines)]
    if args.follow:
        command.append('-F')
    # Ctrl-C is how one stops following.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    os.execvp('tail', [*command, str(paths[args.service])])


_COMMANDS = {
    'up': _up,
    'down': _down,
    'status': _status,
    'env': _env,
    'logs': _logs,
    'reset': _reset,
}


if __name__ == '__main__':
    sys.exit(main())
