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

"""The place, ports, URLs and passwords that the services of a cloud share."""

from collections.abc import Mapping
import dataclasses
import hashlib
import hmac

from opie.sandbox import home as home_module
from opie.sandbox import ports
from opie.sandbox import settings as settings_module

REGION = 'RegionOne'
DATABASE_USER = 'sandbox'
BROKER_USER = 'sandbox'

# bcrypt reads no more than 72 bytes, and keystone warns earlier.
_PASSWORD_DIGITS = 32


@dataclasses.dataclass(frozen=True)
class Site:
    """One cloud: where it is, its ports and its passwords.

    :ivar ports: what listens to its port.
    """

    home: home_module.Home
    settings: settings_module.Settings
    secret: str
    ports: Mapping[str, int]

    def password(self, user):
        """Return the password of a user, of keystone's or another's."""
        return hmac.new(
            self.secret.encode(), user.encode(), hashlib.sha256
        ).hexdigest()[:_PASSWORD_DIGITS]

    def url(self, name):
        """Return the URL of what serves HTTP."""
        return 'http://%s:%d' % (ports.LOOPBACK, self.ports[name])

    @property
    def auth_url(self):
        return self.url('keystone') + '/v3'

    def database_url(self, name):
        """Return a database's URL as oslo.db and SQLAlchemy want it."""
        return 'mysql+pymysql://%s:%s@%s:%d/%s?charset=utf8mb3' % (
            DATABASE_USER,
            self.password('mariadb'),
            ports.LOOPBACK,
            self.ports['mariadb'],
            name,
        )

    @property
    def transport_url(self):
        return 'rabbit://%s:%s@%s:%d/' % (
            BROKER_USER,
            self.password('rabbitmq'),
            ports.LOOPBACK,
            self.ports['rabbitmq'],
        )
