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

"""The reasons for which tempest skips tests on a sandbox."""

import re

# What tempest says, and what that means.
REASONS = (
    (
        r'[Cc]inder|[Vv]olume|range.3\.27',
        'there is no cinder, and so there are no volumes',
    ),
    (r'[Vv]alidation', 'no guest runs that a test could log in to'),
    (
        r'Floating ips|public_network_id|Found shared networks|: trunk',
        'all projects share one network, without routers or trunks',
    ),
    (r'[Cc]onsole', 'a guest has no such console'),
    (r'Stable rescue|vTPM', 'nova has no such thing in its fake hypervisor'),
    (
        r'Neutron (allows|does not check)|nova-network',
        'the test is for a nova without neutron',
    ),
    (r'certified_image_ref', 'no image is signed'),
    (r'Skipped until bug', 'tempest waits until a bug of nova is fixed'),
)


def why(reason):
    """Return what the sandbox lacks, None if the reason is no known one.

    :param reason: what tempest says.
    """
    for pattern, text in REASONS:
        if re.search(pattern, reason):
            return text
    return None
