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

"""Tells from an API's answer whether a server is preemptible.

An API with opie has the member ``preemptible`` in its answers.  Any other API
shows the marks: the extra specs of the flavor since microversion 2.47, and the
scheduler hints since 2.100.
"""

from opie.preemption import marks

MEMBER = 'preemptible'


def is_preemptible(server):
    """Tell whether a server is preemptible.

    :param server: dict of the members of a server, as the API showed them.
    :returns: a bool, or None when the server may have a mark that is not
        shown.
    """
    if MEMBER in server:
        return server[MEMBER]
    flavor = server.get('flavor', {})
    if marks.is_marked(
        hints=server.get('scheduler_hints'),
        extra_specs=flavor.get('extra_specs'),
    ):
        return True
    # NOTE: nova/api/openstack/compute/views/servers.py shows null where a
    # server has no hints, and no extra specs to whom policy denies them.
    is_told = 'scheduler_hints' in server and 'extra_specs' in flavor
    return False if is_told else None
