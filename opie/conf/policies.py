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
"""The policy rules: which users may create, resize to, and preempt.

The rules live in nova's policy file, beside nova's own rules, and may refer to
those.  By default every rule allows all users.
"""

from oslo_policy import policy

CREATE_PREEMPTIBLE = 'opie:create:preemptible'
CREATE_NORMAL = 'opie:create:normal'
RESIZE_TO_PREEMPTIBLE = 'opie:resize:preemptible'
RESIZE_TO_NORMAL = 'opie:resize:normal'
PREEMPT = 'opie:preempt'

_CREATE = [{'method': 'POST', 'path': '/servers'}]
_RESIZE = [{'method': 'POST', 'path': '/servers/{server_id}/action (resize)'}]

ALL_RULES = (
    policy.DocumentedRuleDefault(
        name=CREATE_PREEMPTIBLE,
        check_str='@',
        description=(
            'Create a server that is preemptible, by a mark of the request '
            'or by its flavor.'
        ),
        operations=_CREATE,
        scope_types=['project'],
    ),
    policy.DocumentedRuleDefault(
        name=CREATE_NORMAL,
        check_str='@',
        description=(
            'Create a server that is not preemptible. A user whom the rule '
            'denies this can create preemptible servers only. For instance, '
            '"not project_id:<id>" denies it to one project.'
        ),
        operations=_CREATE,
        scope_types=['project'],
    ),
    policy.DocumentedRuleDefault(
        name=RESIZE_TO_PREEMPTIBLE,
        check_str='rule:' + CREATE_PREEMPTIBLE,
        description=(
            'Resize a normal server to a flavor whose servers are preemptible.'
        ),
        operations=_RESIZE,
        scope_types=['project'],
    ),
    policy.DocumentedRuleDefault(
        name=RESIZE_TO_NORMAL,
        check_str='rule:' + CREATE_NORMAL,
        description=(
            'Resize a server that is preemptible by its flavor alone to a '
            'flavor whose servers are not.'
        ),
        operations=_RESIZE,
        scope_types=['project'],
    ),
    policy.DocumentedRuleDefault(
        name=PREEMPT,
        check_str='@',
        description=(
            'Take the place of preemptible servers when a normal server '
            'finds no room. The scheduler enforces it, so its host needs the '
            'policy file as well.'
        ),
        operations=_CREATE,
        scope_types=['project'],
    ),
)


def list_rules():
    """Return the rules, for oslopolicy-sample-generator and its kin."""
    return list(ALL_RULES)
