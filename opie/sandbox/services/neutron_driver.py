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

"""A mechanism driver of neutron's ML2 that needs no agent and no root.

neutron loads it by the name ``opie_sandbox``.
"""

from neutron_lib import constants
from neutron_lib.api.definitions import portbindings
from neutron_lib.plugins import directory
from neutron_lib.plugins.ml2 import api


class MechanismDriver(api.MechanismDriver):
    """Binds each port to its host, and reports it active in an agent's place.

    neutron tells nova of each port that has become active.
    """

    def initialize(self):
        pass

    def bind_port(self, context):
        context.set_binding(
            context.segments_to_bind[0][api.ID], portbindings.VIF_TYPE_OVS, {}
        )

    def update_port_postcommit(self, context):
        # A port is down after each binding, that of a live migration too.
        if (
            context.vif_type == portbindings.VIF_TYPE_OVS
            and context.status == constants.PORT_STATUS_DOWN
            and context.current['admin_state_up']
        ):
            directory.get_plugin().update_port_status(
                context.plugin_context,
                context.current['id'],
                constants.PORT_STATUS_ACTIVE,
                context.host,
            )
