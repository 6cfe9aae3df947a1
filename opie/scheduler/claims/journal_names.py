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

"""What names in the journal tell of a preemption that counts for limits.

When it began and for which project.  Names of others, and those of earlier
releases, have neither.
"""

import hashlib
import re

_READABLE_LABEL = re.compile('[A-Za-z0-9_.-]{1,40}')
_LABEL_LENGTH = 40
_MILLISECONDS = 1000
# The name of a scheduler host can be an address, of colons and digits.
_COUNTED = re.compile('@[0-9]+:[^:]+:')


def label(project_id):
    """Return what stands for a project in the name of a provider.

    Its id, if that has no more than 40 characters and none that could mislead.
    """
    if _READABLE_LABEL.fullmatch(project_id):
        return project_id
    return hashlib.sha256(project_id.encode()).hexdigest()[:_LABEL_LENGTH]


def fields(began, project):
    """Return the fields of a name.

    :param began: in seconds since the epoch; None for one that does not count.
    :param project: the :func:`label` of a project.
    """
    if began is None:
        return ()
    return '@%d' % round(began * _MILLISECONDS), project


def split(rest):
    """Return (scheduler host, began, project), of the rest of a name."""
    if not _COUNTED.match(rest):
        return rest, None, None
    began, project, scheduler_host = rest.split(':', 2)
    return scheduler_host, int(began[1:]) / _MILLISECONDS, project
