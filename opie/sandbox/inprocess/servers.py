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

"""Creates the demo's servers, waits for them, and reads them.

All values of a server are those that nova's API shows.
"""

import dataclasses
import datetime
import time

from oslo_utils import timeutils

_SECONDS_BETWEEN_LOOKS = 0.05
_TIMEOUT_SECONDS = 60
# NOTE: nova/tests/fixtures/glance.py has this image.
_IMAGE_ID = '155d900f-4e14-4e4c-a73d-069cbf4541e6'


class NotActive(Exception):
    """A server did not become ACTIVE."""


@dataclasses.dataclass(frozen=True)
class Wanted:
    """A server to boot.

    :ivar host: where, None for wherever the scheduler puts it.
    :ivar age: how long it is to have run when the story begins.
    """

    name: str
    vcpus: int
    host: str | None = None
    age: datetime.timedelta = datetime.timedelta()
    is_preemptible: bool = False

    def body(self):
        """Return the body of its POST /servers."""
        server = {
            'name': self.name,
            'flavorRef': _flavor_id(self.vcpus),
            'imageRef': _IMAGE_ID,
            'networks': 'none',
        }
        if self.host:
            server['host'] = self.host
        if self.is_preemptible:
            server['preemptible'] = True
        return {'server': server}


@dataclasses.dataclass(frozen=True)
class Seen:
    """A server as the API has shown it; ``status`` 'gone' if it did not."""

    uuid: str
    name: str
    host: str | None
    vcpus: int
    status: str
    launched_at: datetime.datetime | None
    is_preemptible: bool
    fault: str


def make_flavor(api, vcpus):
    """Make the flavor of that many VCPU."""
    flavor = {
        'id': _flavor_id(vcpus),
        'name': _flavor_id(vcpus),
        'vcpus': vcpus,
        'ram': 256 * vcpus,
        'disk': 1,
    }
    api.post('/flavors', {'flavor': flavor})


def all_of(api):
    """Return uuid to :class:`Seen` of all servers that there are."""
    shown = api.get('/servers/detail')['servers']
    return {item['id']: _seen(item) for item in shown}


def all_now(api, before):
    """Return the servers of :func:`all_of`, and earlier ones now gone."""
    gone = {
        uuid: dataclasses.replace(server, status='gone')
        for uuid, server in before.items()
    }
    return {**gone, **all_of(api)}


def wait_until_active(api, uuid):
    """Return a server once it is ACTIVE.

    :raises NotActive: if it goes to another state, or is too slow.
    """
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while True:
        server = _seen(api.get('/servers/%s' % uuid)['server'])
        if server.status == 'ACTIVE':
            return server
        if server.status != 'BUILD' or time.monotonic() > deadline:
            raise NotActive(
                '%s is in state %s: %s'
                % (server.name, server.status, server.fault or 'no fault')
            )
        time.sleep(_SECONDS_BETWEEN_LOOKS)


def _flavor_id(vcpus):
    return '%d-vcpu' % vcpus


def _seen(item):
    launched_at = item['OS-SRV-USG:launched_at']
    return Seen(
        item['id'],
        item['name'],
        item['OS-EXT-SRV-ATTR:host'],
        item['flavor']['vcpus'],
        item['status'],
        launched_at and timeutils.parse_isotime(launched_at + 'Z'),
        item['preemptible'],
        item.get('fault', {}).get('message', ''),
    )
