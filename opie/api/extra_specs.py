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

"""The extra specs of opie that nova's API lets into a flavor.

nova-api finds this through its entry points.  It then refuses a value of
``opie:preemptible`` that is no boolean, and every other key that begins with
``opie:``, because a misspelt key would mark no server, and no user would know.
"""

from nova.api.validation.extra_specs import base

from opie.preemption import marks

EXTRA_SPEC_VALIDATORS = [
    base.ExtraSpecValidator(
        name=marks.FLAVOR_EXTRA_SPEC,
        description=(
            'Whether every server of the flavor is preemptible: a normal '
            'server that finds no room may take its place. True wins over '
            'the scheduler hint ``preemptible``, false marks nothing and '
            'leaves the choice to the hint.'
        ),
        value={
            'type': bool,
            'description': 'Whether servers of the flavor are preemptible.',
        },
    ),
]


def register():
    """Return the validators of all extra specs that opie reads."""
    return EXTRA_SPEC_VALIDATORS
