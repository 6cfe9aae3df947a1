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
"""nova's compute API with opie's filter, for a WSGI server.

Serve ``opie.api.wsgi:application`` in place of
``nova.wsgi.osapi_compute:application`` where api-paste.ini is to stay as it
is.  This module starts the service when it is imported, as nova's does.
"""

import inspect

from nova import monkey_patch

# NOTE: since 33, nova/wsgi/osapi_compute.py begins with this.  Before,
# nova/api/openstack/__init__.py chooses the threading model by itself.
if (
    'backend'
    in inspect.signature(
        getattr(monkey_patch, 'patch', lambda: None)
    ).parameters
):
    monkey_patch.patch(backend='threading')

from nova.api.openstack import compute

from opie.api import preemptible


class _FilteredRouter:
    """Stands where Paste Deploy looks for nova's router."""

    @staticmethod
    def factory(global_conf, **local_conf):
        return preemptible.PreemptibleFilter(
            _Router.factory(global_conf, **local_conf)
        )


# NOTE: api-paste.ini names nova.api.openstack.compute:APIRouterV21.factory,
# and authentication comes before it.  A filter around the whole pipeline would
# not know the requester.
_Router, compute.APIRouterV21 = compute.APIRouterV21, _FilteredRouter

from nova.wsgi.osapi_compute import application  # noqa: E402, F401
