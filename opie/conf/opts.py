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

"""Options as oslo-config-generator wants them (``oslo.config.opts``)."""

from opie.conf import api
from opie.conf import hosts
from opie.conf import limits
from opie.conf import operations
from opie.conf import preemption
from opie.conf import scheduler
from opie.conf import servers


def list_opts():
    """Return [(group name, [options])] for the sample configuration."""
    return [
        ('DEFAULT', scheduler.ALL_OPTS),
        (
            preemption.GROUP.name,
            preemption.ALL_OPTS
            + limits.ALL_OPTS
            + hosts.ALL_OPTS
            + operations.ALL_OPTS
            + servers.ALL_OPTS
            + api.ALL_OPTS,
        ),
    ]
