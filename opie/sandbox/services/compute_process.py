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

"""A process of several nova-compute services, each a host of its own.

``python -m`` runs this module with the hosts as arguments, and nova-compute's
own arguments behind ``--``.  Service and hypervisor are nova's own service and
nova's own fake driver, which here knows the name and the size of its host.
"""

import argparse
import io
import os
import signal
import sys
import threading
import time

# NOTE: nova/cmd/compute.py chooses between threads and eventlet as it is
# imported, so it comes before the rest of nova.
import nova.cmd.compute  # isort: skip

from nova import config
from nova import objects
from nova import service
from nova.compute import rpcapi as compute_rpcapi
from nova.conductor import rpcapi as conductor_rpcapi
import nova.conf
import nova.db.main.api
from nova.image import glance
from nova.objects import base as objects_base
from nova.servicegroup import api as servicegroup
from nova.virt import fake
from nova.virt import node
from oslo_log import log

CONF = nova.conf.CONF
_DRIVER = 'SandboxDriver'
_CONSOLE_LINES = 30


class Driver(fake.FakeDriverWithoutFakeNodes):
    """A host that stays the same one when its process is started again.

    :cvar destroy_seconds: how long it takes to destroy a guest.
    """

    destroy_seconds = 0

    def init_host(self, host):
        super().init_host(host)
        # NOTE: nova/virt/node.py keeps one identity for the whole process.
        # It is that of this host until the service has been started.
        self._node_uuid = node.get_local_node_uuid()

    def get_available_resource(self, nodename):
        resources = super().get_available_resource(nodename)
        resources['uuid'] = self._node_uuid
        return resources

    def snapshot(self, context, instance, image_id, update_task_state):
        super().snapshot(context, instance, image_id, update_task_state)
        # Without a content an image is never usable.
        glance.API().update(context, image_id, {}, data=io.BytesIO(b'guest'))

    def destroy(self, *args, **kwargs):
        time.sleep(self.destroy_seconds)
        super().destroy(*args, **kwargs)

    def get_console_output(self, context, instance):
        return ''.join(
            'Line %d of a guest that the sandbox does not run.\n' % number
            for number in range(_CONSOLE_LINES)
        )

    def get_host_uptime(self):
        return 'up %d s, a host of the sandbox' % time.monotonic()

    def get_nodenames_by_uuid(self, refresh=False):
        return {self._node_uuid: self.get_available_nodes()[0]}


def main(argv):
    args = _parse(argv)
    CONF.set_default('compute_driver', 'fake.' + _DRIVER)
    config.parse_args(['nova-compute', *args.arguments])
    log.setup(CONF, 'nova')
    objects.register_all()
    Driver.vcpus = args.vcpus
    Driver.memory_mb = args.ram_mb
    Driver.destroy_seconds = args.destroy_seconds
    # NOTE: nova/virt/driver.py finds drivers in nova.virt alone.
    setattr(fake, _DRIVER, Driver)
    # NOTE: nova/servicegroup/api.py has hosts wait for 5 s, during which a
    # host that was down before is still down.
    servicegroup.INITIAL_REPORTING_DELAY = 0
    # As nova-compute does.
    nova.db.main.api.DISABLE_DB_ACCESS = True
    objects_base.NovaObject.indirection_api = conductor_rpcapi.ConductorAPI()
    objects.Service.enable_min_version_cache()
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    for host in args.host:
        _start(host, args.state_path)
        if stopped.is_set():
            break
    stopped.wait()
    # The fake guests need no care, and a usual end would wait for threads.
    os._exit(0)


def _start(host, state_path):
    path = os.path.join(state_path, host)
    os.makedirs(path, exist_ok=True)
    CONF.set_override('host', host)
    CONF.set_override('state_path', path)
    node.LOCAL_NODE_UUID = None
    service.Service.create(
        host=host,
        binary='nova-compute',
        topic=compute_rpcapi.RPC_TOPIC,
        topic_alt=getattr(compute_rpcapi, 'RPC_TOPIC_ALT', None),
    ).start()


def _parse(argv):
    parser = argparse.ArgumentParser()
    parser.add_argument('--state-path', required=True)
    parser.add_argument('--vcpus', type=int, required=True)
    parser.add_argument('--ram-mb', type=int, required=True)
    parser.add_argument('--destroy-seconds', type=int, default=0)
    parser.add_argument('--host', action='append', required=True)
    parser.add_argument('arguments', nargs='*')
    return parser.parse_args(argv)


if __name__ == '__main__':
    main(sys.argv[1:])
