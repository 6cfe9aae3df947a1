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

"""Shows the services of a cloud and whether they run, as a table."""

import psutil

_BYTES_PER_MB = 1024 * 1024


def show(the_cloud, say):
    """Tell the services of a cloud; return 0 if all of them run, else 1.

    :param say: called with each line of it.
    """
    site = the_cloud.site
    found = the_cloud.services()
    total = 0
    say('%-20s %-8s %8s %8s' % ('service', 'state', 'pid', 'MB'))
    for name, process in found.items():
        memory = _memory_mb(process) if process else 0
        total += memory
        say(
            '%-20s %-8s %8s %8d'
            % (
                name,
                'runs' if process else 'stopped',
                process.pid if process else '-',
                memory,
            )
        )
    say('%-20s %-8s %8s %8d' % ('all', '', '', total))
    say('Identity API: %s' % site.auth_url)
    say('Directory:    %s' % the_cloud.home.path)
    return 0 if all(found.values()) else 1


def _memory_mb(process):
    """Return the memory of a service and its workers, shared parts shared."""
    total = 0
    for member in process.family():
        try:
            total += member.memory_full_info().pss
        except psutil.Error:
            continue
    return total / _BYTES_PER_MB
