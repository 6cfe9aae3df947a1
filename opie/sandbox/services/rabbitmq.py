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

"""RabbitMQ, with a port mapper of its own, on the loopback interface alone.

The system's own broker, if there is one, is left alone.
"""

import amqp

from opie.sandbox import ports
from opie.sandbox import programs
from opie.sandbox import site as site_module
from opie.sandbox.services import service

NAME = 'rabbitmq'
MAPPER = 'epmd'
# The port of RabbitMQ for its own tools.
DISTRIBUTION = 'rabbitmq-dist'

_CONNECT_SECONDS = 5

_CONF = """\
listeners.tcp.1 = %(address)s:%(port)d
default_user = %(user)s
default_pass = %(password)s
loopback_users = none
log.console = true
log.console.level = info
log.file = false
# Who fills this machine's disk or memory is not this broker.
disk_free_limit.absolute = 50MB
"""


def make_services(site):
    """Return the two services: the port mapper and the broker."""
    mapper = service.Service(
        MAPPER,
        (
            programs.find('epmd'),
            '-port',
            str(site.ports[MAPPER]),
            '-address',
            ports.LOOPBACK,
        ),
        lambda since: _check_port(site.ports[MAPPER]),
        # A program of Erlang's that finds no mapper would start another one.
        environment={'ERL_EPMD_RELAXED_COMMAND_CHECK': '1'},
    )
    return mapper, _broker(site)


def _broker(site):
    etc = site.home.etc / NAME
    data = site.home.data / NAME
    conf = _CONF % {
        'address': ports.LOOPBACK,
        'port': site.ports[NAME],
        'user': site_module.BROKER_USER,
        'password': site.password(NAME),
    }
    return service.Service(
        NAME,
        (programs.find('rabbitmq-server'),),
        lambda since: connect(site).close(),
        files={
            etc / 'rabbitmq.conf': conf,
            etc / 'enabled_plugins': '[].\n',
            # In the place of the system's.
            etc / 'rabbitmq-env.conf': '',
            etc / 'advanced.config': '[].\n',
        },
        environment={
            # The home is where the cookie of Erlang is.
            'HOME': str(data),
            'ERL_EPMD_ADDRESS': ports.LOOPBACK,
            'ERL_EPMD_PORT': str(site.ports[MAPPER]),
            'RABBITMQ_CONF_ENV_FILE': str(etc / 'rabbitmq-env.conf'),
            'RABBITMQ_CONFIG_FILE': str(etc / 'rabbitmq.conf'),
            'RABBITMQ_ADVANCED_CONFIG_FILE': str(etc / 'advanced.config'),
            'RABBITMQ_ENABLED_PLUGINS_FILE': str(etc / 'enabled_plugins'),
            'RABBITMQ_NODENAME': 'sandbox@localhost',
            'RABBITMQ_NODE_IP_ADDRESS': ports.LOOPBACK,
            'RABBITMQ_NODE_PORT': str(site.ports[NAME]),
            'RABBITMQ_DIST_PORT': str(site.ports[DISTRIBUTION]),
            'RABBITMQ_MNESIA_BASE': str(data),
            'RABBITMQ_LOG_BASE': str(data),
            'RABBITMQ_PID_FILE': str(data / 'pid'),
            'RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS': (
                '-kernel inet_dist_use_interface {127,0,0,1} +S 2:2 +sbwt none'
            ),
        },
        needs=(MAPPER,),
        folder=data,
    )


def connect(site):
    """Return a connection to the broker."""
    connection = amqp.Connection(
        '%s:%d' % (ports.LOOPBACK, site.ports[NAME]),
        site_module.BROKER_USER,
        site.password(NAME),
        connect_timeout=_CONNECT_SECONDS,
    )
    connection.connect()
    return connection


def check_readers(site, queues):
    """:raises: if there is a queue that no service reads."""
    with connect(site) as connection:
        channel = connection.channel()
        for queue in queues:
            # A queue that is not there raises an error itself.
            found = channel.queue_declare(queue, passive=True)
            if not found.consumer_count:
                raise service.NotYet('no service reads the queue %s' % queue)


def _check_port(port):
    if ports.is_free(port):
        raise service.NotYet('nothing listens on port %d' % port)
