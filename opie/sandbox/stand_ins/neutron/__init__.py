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

"""neutron, with one network that all projects share.

It gives servers ports with addresses, and moves no packet.  What it has not is
answered as neutron answers it without the plug-in: lists are empty, and what
is to be made or found is refused.

A test can have it refuse to delete the ports of a server, as neutron does with
the parent port of a trunk.
"""

# The file in the working directory that has the uuids of these servers.
REFUSED = 'ports_not_deleted'
