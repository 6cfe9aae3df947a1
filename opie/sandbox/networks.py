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

"""The network that all projects share, in which a server gets an address."""

from opie.sandbox import identity
from opie.sandbox.stand_ins.neutron import networks


def create_shared(site):
    """Create the network in the real neutron, as the stand-in has it."""
    network = identity.connect(site).network
    shared = network.find_network(
        networks.SHARED_NAME
    ) or network.create_network(name=networks.SHARED_NAME, is_shared=True)
    if not shared.subnet_ids:
        network.create_subnet(
            name=networks.SHARED_NAME,
            network_id=shared.id,
            cidr=networks.SHARED_CIDR,
            ip_version=4,
        )
