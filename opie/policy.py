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
"""Asks nova's policy file about opie's rules.

The rules are in opie/conf/policies.py.
"""

from __future__ import annotations

import threading

from nova import context as nova_context
from nova import policy as nova_policy
import nova.conf
from oslo_policy import policy

from opie.conf import policies

_lock = threading.Lock()
_enforcer: policy.Enforcer | None = None


def allows(
    rule: str,
    context: nova_context.RequestContext,
    project_id: str | None = None,
    user_id: str | None = None,
) -> bool:
    """Tell whether the policy allows what a rule is about.

    :param rule: the name of one of opie's rules.
    :param context: nova's context of the request.
    :param project_id: the project of the server that is acted on; None for
        the project of the requester.
    :param user_id: the user of that server; None for the requester.
    """
    target = {
        'project_id': project_id or context.project_id,
        'user_id': user_id or context.user_id,
    }
    return _get_enforcer().authorize(rule, target, context.to_policy_values())


def reset() -> None:
    """Forget the rules read so far, for tests that change the options."""
    global _enforcer
    _enforcer = None


def _get_enforcer() -> policy.Enforcer:
    global _enforcer
    with _lock:
        if _enforcer is None:
            enforcer = policy.Enforcer(nova.conf.CONF)
            # nova itself warns of what its policy file holds.
            enforcer.suppress_deprecation_warnings = True
            enforcer.suppress_default_change_warnings = True
            nova_policy.register_rules(enforcer)
            # A nova with the patches of extras/ brings some of them.
            enforcer.register_defaults(
                rule
                for rule in policies.ALL_RULES
                if rule.name not in enforcer.registered_rules
            )
            _enforcer = enforcer
        return _enforcer
