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

"""Refusals that answer requests which are alike, for a moment.

A client that tries again in a loop is told again what a plan has found, at no
cost.  Requests are alike when nova's record of what they ask for is the same
in all but the uuids of the servers: whatever nova adds to that record makes
requests differ, and is never overlooked.
"""

from __future__ import annotations

import collections
import hashlib
import json
import threading
import time
import typing

from nova import objects
import nova.conf

CONF = nova.conf.CONF

_MOST_REFUSALS = 1024
# What differs between requests that ask for the same.  Each server has an id
# of its own in its RequestSpec; "changes" are those that were not saved.
_UUID = 'instance_uuid'
# Each request for a PCI device has an id as well.  NOTE: what placement is
# asked for it, nova/objects/request_spec.py names by that id.
_ID_OF_DEVICES = 'request_id'
_CHANGES = 'nova_object.changes'
_DATA = 'nova_object.data'
_ID = 'id'


def key_of(
    spec: objects.RequestSpec, number: int, is_room_hidden: bool
) -> bytes | None:
    """Return what all requests have in common that are like this one.

    :param spec: a RequestSpec that has been through nova's request filters,
        and not yet through scheduling.
    :param number: how many servers are to be placed.
    :param is_room_hidden: whether pass 1 may have missed hosts with room.
    :returns: None if no refusal may answer it.
    """
    if not CONF.opie.refusal_cache_seconds:
        return None
    if 'instance_group' in spec and spec.instance_group is not None:
        # A server that is refused stays a member, and what matters is where
        # the members are, which the record does not tell.
        return None
    return key_of_primitive(spec.obj_to_primitive(), number, is_room_hidden)


def key_of_primitive(
    primitive: dict, number: int, is_room_hidden: bool
) -> bytes:
    """Return the key of a RequestSpec's primitive; see :func:`key_of`."""
    data = dict(primitive[_DATA])
    data.pop(_ID, None)
    # What JSON does not know is like nothing else, or like itself.
    text = json.dumps(
        [_without_uuids(data), number, is_room_hidden],
        sort_keys=True,
        default=repr,
    )
    for place, its_id in enumerate(_ids_of_devices(data)):
        text = text.replace(its_id, 'device %d' % place)
    return hashlib.sha256(text.encode()).digest()


def _without_uuids(value: typing.Any) -> typing.Any:
    if isinstance(value, dict):
        return {
            key: _without_uuids(item)
            for key, item in value.items()
            if key not in (_UUID, _CHANGES)
        }
    if isinstance(value, (list, tuple)):
        return [_without_uuids(item) for item in value]
    return value


def _ids_of_devices(value: typing.Any) -> list[str]:
    """Return the ids of the requests for PCI devices, in order."""
    if isinstance(value, dict):
        its_id = value.get(_ID_OF_DEVICES)
        found = [its_id] if its_id and isinstance(its_id, str) else []
        value = value.values()
    elif isinstance(value, (list, tuple)):
        found = []
    else:
        return []
    return found + [one for item in value for one in _ids_of_devices(item)]


class RefusalCache:
    """The refusals of one worker, the last ones only.

    :param most: how many to remember.
    """

    def __init__(self, most: int = _MOST_REFUSALS) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._known: collections.OrderedDict[bytes, tuple[float, str]] = (
            collections.OrderedDict()
        )
        self._forgotten_at = time.monotonic()

    def find(self, key: bytes | None) -> str | None:
        """Return why a request was refused that is alike, or None.

        :param key: from :func:`key_of`, None included.
        """
        with self._lock:
            if key is None or key not in self._known:
                return None
            noted_at, reason = self._known[key]
            seconds = time.monotonic() - noted_at
            if seconds >= CONF.opie.refusal_cache_seconds:
                del self._known[key]
                return None
        return 'answered from an earlier refusal, %.1f s ago: %s' % (
            seconds,
            reason,
        )

    def note(
        self, key: bytes | None, reason: str, planned_since: float
    ) -> None:
        """Remember that a plan has found no host for a request.

        :param planned_since: monotonic time before which the plan's facts may
            have been read.
        """
        if key is None:
            return
        with self._lock:
            if planned_since < self._forgotten_at:
                return
            self._known[key] = time.monotonic(), reason
            self._known.move_to_end(key)
            while len(self._known) > self._most:
                self._known.popitem(last=False)

    def forget(self) -> None:
        """Forget all refusals, because room was given back."""
        with self._lock:
            self._forgotten_at = time.monotonic()
            self._known.clear()
