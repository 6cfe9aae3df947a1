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
"""nova's api-paste.ini, changed as the documentation tells operators to."""

import os
import pathlib
import sys

_APPLICATION = ' osapi_compute_app_v21'
_SECTION = """
[filter:preemptible]
use = egg:openstack-opie#preemptible
"""


def with_filter(path):
    """Return the text of an api-paste.ini with opie's filter in it.

    :param path: of nova's file.
    """
    lines = [
        line.replace(_APPLICATION, ' preemptible' + _APPLICATION)
        if line.startswith('keystone =')
        else line
        for line in pathlib.Path(path).read_text().splitlines()
    ]
    return '\n'.join(lines) + '\n' + _SECTION


def of_nova():
    """Return the path of the api-paste.ini that nova's wheel brings."""
    return os.path.join(sys.prefix, 'etc', 'nova', 'api-paste.ini')
