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

"""Names of hosts for lines of the log that tell of providers.

Where nothing else knows a name, placement is asked, and only when such a line
is due.
"""

import re

from opie.scheduler.placement import client as placement

_UUID = re.compile('[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}')


def of_hosts(client: placement.Client, text: str) -> dict[str, str]:
    """Return provider to name, of the hosts that a text has the providers of.

    Those are left out that placement does not tell.
    """
    names = {}
    for uuid in sorted(set(_UUID.findall(text))):
        try:
            found = client.providers([('uuid', uuid)])
        except placement.PlacementError:
            # The line of the log is due all the same.
            break
        # Providers of the journal have a parent.
        names.update(
            {
                one['uuid']: one['name']
                for one in found
                if one['parent_provider_uuid'] is None
            }
        )
    return names
