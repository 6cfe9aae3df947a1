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

"""opie's configuration options.

``register_opts`` adds them to nova's own CONF object, once; a second call is
harmless.  Each option's home is one of the modules beside this file.
"""

from opie.conf import api
from opie.conf import hosts
from opie.conf import limits
from opie.conf import operations
from opie.conf import preemption
from opie.conf import scheduler
from opie.conf import servers


def register_opts(conf):
    """Register every option of opie on an ``oslo_config.cfg.ConfigOpts``."""
    preemption.register_opts(conf)
    limits.register_opts(conf, preemption.GROUP)
    hosts.register_opts(conf, preemption.GROUP)
    operations.register_opts(conf, preemption.GROUP)
    servers.register_opts(conf, preemption.GROUP)
    api.register_opts(conf, preemption.GROUP)
    scheduler.register_opts(conf)
