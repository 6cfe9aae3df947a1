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

"""``opie-status upgrade check``: whether opie works with the installed nova.

Operators run the command where nova-scheduler runs, whenever nova or opie is
upgraded.  It reads nova.conf and the installed code, and asks no database and
no service.
"""

import sys


def main():
    """Run the command; return its exit status: that of the worst check."""
    # NOTE: nova/cmd/scheduler.py chooses between threads and eventlet as it is
    # imported.  It comes first, as in the scheduler service.
    import nova.cmd.scheduler
    import nova.conf
    from oslo_upgradecheck import upgradecheck

    from opie.cmd import upgrade_checks
    import opie.conf

    opie.conf.register_opts(nova.conf.CONF)
    return upgradecheck.main(
        nova.conf.CONF, project='nova', upgrade_command=upgrade_checks.Checks()
    )


if __name__ == '__main__':
    sys.exit(main())
