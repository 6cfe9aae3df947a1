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

"""The command line of ``opie-sandbox``."""

import argparse

from opie.sandbox import credentials
from opie.sandbox import home
from opie.sandbox import settings

NAME = 'opie-sandbox'

_DEFAULTS = settings.Settings()
# Field of the settings to its option and the help of the option.
_NUMBERS = {
    'hosts': ('--hosts', 'hosts, each with a nova-compute'),
    'vcpus': ('--vcpus', 'VCPU of each host'),
    'ram_mb': ('--ram', 'RAM of each host in MB'),
    'schedulers': ('--schedulers', 'schedulers'),
    'compute_processes': (
        '--compute-processes',
        'processes that run the hosts; all but the first run one each',
    ),
    'report_interval_seconds': (
        '--report-interval',
        'seconds between two signs of life of a host',
    ),
    'service_down_seconds': (
        '--service-down-time',
        'seconds without one until it counts as down',
    ),
}


def parse(argv):
    """Return what the command line says.

    :returns: a Namespace with ``command``, ``state_dir``, which may be None,
        and what that command takes; for up that is ``changes``, the fields of
        the settings that were given.
    """
    args = _parser().parse_args(argv)
    args.state_dir = getattr(args, 'state_dir', None)
    if args.command == 'up':
        fields = (*_NUMBERS, 'has_glance', 'has_neutron', 'has_opie')
        args.changes = {
            name: getattr(args, name)
            for name in fields
            if getattr(args, name) is not None
        }
    return args


def _parser():
    parser = argparse.ArgumentParser(
        prog=NAME,
        description='A real, small OpenStack cloud on the loopback interface.',
    )
    _add_state_dir(parser)
    commands = parser.add_subparsers(
        dest='command', metavar='COMMAND', required=True
    )
    _add_up(commands)
    _add(commands, 'down', 'stop it; its servers are still known')
    _add(commands, 'status', 'show what runs; status 0 if everything does')
    _add_env(commands)
    _add_logs(commands)
    _add(commands, 'reset', 'stop it and forget all that was in it')
    return parser


def _add_up(commands):
    up = _add(commands, 'up', 'make the cloud run, the first time or again')
    for name, (option, text) in _NUMBERS.items():
        up.add_argument(
            option,
            dest=name,
            type=int,
            metavar='N',
            help='%s (as before, or %s)' % (text, _default(name)),
        )
    up.add_argument(
        '--glance',
        dest='has_glance',
        action=argparse.BooleanOptionalAction,
        help='a real glance, or a stand-in',
    )
    up.add_argument(
        '--neutron',
        dest='has_neutron',
        action=argparse.BooleanOptionalAction,
        help='a real neutron, without agents, or a stand-in',
    )
    opie = up.add_mutually_exclusive_group()
    opie.add_argument(
        '--with-opie',
        dest='has_opie',
        action='store_true',
        default=None,
        help="opie's filter and schedulers, as they are without this option",
    )
    opie.add_argument(
        '--without-opie',
        dest='has_opie',
        action='store_false',
        default=None,
        help="nova's own pipeline and scheduler, to compare",
    )


def _default(name):
    value = getattr(_DEFAULTS, name)
    return 'what suits the number of hosts' if value is None else value


def _add_env(commands):
    env = _add(commands, 'env', "print a user's credentials for a shell")
    who = env.add_mutually_exclusive_group()
    who.add_argument('--user', default='demo', help='demo or other (demo)')
    who.add_argument(
        '--admin',
        dest='user',
        action='store_const',
        const=credentials.ADMIN,
        help='the administrator',
    )


def _add_logs(commands):
    logs = _add(commands, 'logs', 'show the log of a service')
    logs.add_argument(
        'service', nargs='?', help='without one: tell where the logs are'
    )
    logs.add_argument(
        '-f', '--follow', action='store_true', help='go on with what comes'
    )
    logs.add_argument('-n', '--lines', type=int, default=50, metavar='N')


def _add(commands, name, text):
    command = commands.add_parser(name, help=text, description=text)
    _add_state_dir(command)
    return command


def _add_state_dir(parser):
    parser.add_argument(
        '--state-dir',
        # A default here would undo the option that stands before the command.
        default=argparse.SUPPRESS,
        metavar='PATH',
        help='where all of it is kept (%s)' % home.default_path(),
    )
