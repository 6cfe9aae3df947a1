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


"""``opie-nova-scheduler``: nova's scheduler service with opie's classes.

The service is nova's own: nova reads nova.conf, sets up the log, forks the
workers and serves.  Only two classes that nova builds differ.  If a class or
an option of opie's cannot work, the command prints one line on stderr and ends
with status 1.
"""

import os
import sys

SERVED_AS = 'nova-scheduler'


def main():
    """Start the scheduler service; return when it was told to stop."""
    sys.argv[0] = as_nova_scheduler(sys.argv[0])
    # NOTE: nova/cmd/scheduler.py decides about eventlet as it is imported,
    # and reads the configuration files for that.  It is the first import.
    import nova.cmd.scheduler

    _read_nova_conf()
    # NOTE: nova/scheduler/manager.py reads discover_hosts_in_cells_interval
    # as it is imported, so the import has to wait for nova.conf.
    from opie.cmd import scheduler_classes
    from opie.conf import checks

    try:
        scheduler_classes.install(*scheduler_classes.load(nova.conf.CONF))
        # NOTE: nova/config.py parses again and may not register command line
        # options on a CONF that has been parsed.
        nova.conf.CONF.clear()
        nova.cmd.scheduler.main()
    except (scheduler_classes.UnusableClass, checks.ConfigError) as error:
        sys.exit(f'opie-nova-scheduler: {error}')


def as_nova_scheduler(path):
    """Return the command's path under the name of nova's own command.

    oslo.config looks for ``nova-scheduler.conf`` and ``nova-scheduler.conf.d``
    by the name of the running program.
    """
    return os.path.join(os.path.dirname(path), SERVED_AS)


def _read_nova_conf():
    """Parse nova.conf and the command line once before nova does it again."""
    import nova.conf
    import nova.config

    import opie.conf

    opie.conf.register_opts(nova.conf.CONF)
    nova.config.parse_args(sys.argv, configure_db=False, init_rpc=False)


if __name__ == '__main__':
    main()
