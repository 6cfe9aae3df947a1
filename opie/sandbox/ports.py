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

"""Ports on the loopback interface that no other program has.

They are below those that the kernel gives to connections, so that a port stays
free while its server is down, unless another program chooses it.
"""

import random
import socket

from opie.sandbox import errors

LOOPBACK = '127.0.0.1'

_FIRST = 20_000
_LAST = 32_000
_TRIES = 1000

# Port to what keeps other processes from choosing it, until this one ends.
_held = {}


def is_free(port):
    """Tell whether a server could listen there now."""
    with socket.socket() as listener:
        # A connection that is being closed keeps no server from listening.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def choose(names, known, running=()):
    """Return name to port, those that are known as long as they are free.

    :param names: those that need a port.
    :param known: name to the port of the last time.
    :param running: names whose port is taken by its own server.
    :raises errors.SandboxError: if there are not enough.
    """
    chosen = {
        name: known[name]
        for name in names
        if name in known
        and (name in running or (is_free(known[name]) and _hold(known[name])))
    }
    for name in names:
        if name not in chosen:
            chosen[name] = _another(chosen.values())
    return chosen


def _another(taken):
    for _ in range(_TRIES):
        port = random.randint(_FIRST, _LAST)
        if port not in taken and is_free(port) and _hold(port):
            return port
    raise errors.SandboxError(
        'Of the ports %d to %d none is free: stop what listens there.'
        % (_FIRST, _LAST)
    )


def _hold(port):
    """Keep other clouds that start now from choosing a port too.

    Its server does not listen yet.  No server wants UDP, so a socket of UDP
    says whose the port is.
    """
    if port not in _held:
        holder = socket.socket(type=socket.SOCK_DGRAM)
        try:
            holder.bind((LOOPBACK, port))
        except OSError:
            holder.close()
            return False
        _held[port] = holder
    return True
