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
"""Tells what happens in a scheduler, in the process that it runs in."""

import contextlib
import sys
from unittest import mock

from nova.compute import api as compute_api
from nova.compute import rpcapi

from opie.scheduler import filter_scheduler
from opie.scheduler import report

# What happens.
EVICTING, VOID = 'evicting', 'void'


class Watch:
    """Tells of evictions, of void plans, and of why requests are refused.

    :param tell: called with what happens, and the uuid of a victim.
    :param terminate: called with the uuid of each server whose host is told
        to delete it, instead of telling the host.
    """

    def __init__(self, tell, terminate):
        self._tell = tell
        self._terminate = terminate
        # uuids of the servers of a request, as logs have them, to the reason.
        self._reasons = {}

    def reason(self, uuids):
        """Return why a request was refused, once."""
        return self._reasons.pop(uuids, 'NoValidHost')

    @contextlib.contextmanager
    def on(self):
        """Watch until the end of the block."""
        # nova's compute API, through which evictions go, casts to a host.
        wrappers = (
            (compute_api.API, 'delete', self._wrap_delete),
            (rpcapi.ComputeAPI, 'terminate_instance', self._wrap_terminate),
            (report, 'void', self._wrap_void),
            (filter_scheduler.LOG, 'info', self._wrap_info),
            (filter_scheduler.LOG, 'exception', self._wrap_exception),
        )
        with contextlib.ExitStack() as stack:
            for where, name, wrap in wrappers:
                wrapped = wrap(getattr(where, name))
                stack.enter_context(mock.patch.object(where, name, wrapped))
            yield

    def _wrap_delete(self, delete):
        def telling(api, context, instance):
            self._tell(EVICTING, instance.uuid)
            return delete(api, context, instance)

        return telling

    def _wrap_terminate(self, _terminate):
        def asking(_rpcapi, context, instance, bdms):
            self._terminate(instance.uuid)

        return asking

    def _wrap_void(self, void):
        def telling(*args, **kwargs):
            self._tell(VOID)
            return void(*args, **kwargs)

        return telling

    def _wrap_info(self, info):
        def noting(text, *args):
            if args and 'reason' in args[0]:
                self._reasons[args[0]['preemptors']] = str(args[0]['reason'])
            info(text, *args)

        return noting

    def _wrap_exception(self, exception):
        def noting(text, *args):
            if args:
                self._reasons[args[0]] = repr(sys.exc_info()[1])
            exception(text, *args)

        return noting
