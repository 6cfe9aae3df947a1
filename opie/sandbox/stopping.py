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

"""Stops the services of a cloud, the database and the broker last.

A service that loses the database or the broker while it stops would wait for
it to return.
"""

from opie.sandbox import processes
from opie.sandbox.services import mariadb
from opie.sandbox.services import rabbitmq

_LAST = (mariadb.NAME, rabbitmq.NAME, rabbitmq.MAPPER)


def stop_all(home):
    """Stop everything; return how many processes there were."""
    found = _all(home)
    last = {
        member.pid
        for name in _LAST
        if name in home.noted()
        for member in home.noted()[name][0].family()
    }
    processes.stop([item for item in found if item.pid not in last])
    # A process that was started meanwhile is among these.
    processes.stop(_all(home))
    for name in home.noted():
        home.forget(name)
    return len(found)


def stop_others(home, kept):
    """Stop everything but some services.

    :param kept: names of services.
    """
    noted = home.noted()
    kept_pids = {
        member.pid for name in kept for member in noted[name][0].family()
    }
    processes.stop([item for item in _all(home) if item.pid not in kept_pids])
    for name in noted.keys() - set(kept):
        home.forget(name)


def stop_one(home, name):
    """Stop one service."""
    noted = home.noted()
    if name in noted:
        processes.stop(noted[name][0].family())
        home.forget(name)


def _all(home):
    """Return the noted processes and those with the mark, each once."""
    found = {item.pid: item for item in processes.of_home(home.path)}
    for process, _ in home.noted().values():
        found.update({item.pid: item for item in process.family()})
    return list(found.values())
