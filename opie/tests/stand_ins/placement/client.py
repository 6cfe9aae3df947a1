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

"""An in-memory placement that answers as nova's SchedulerReportClient does.

opie's own client of placement works on this stand-in unchanged.  A test can
have an outage, or another writer, between a call and its answer.
"""

import json
import re
import threading

from keystoneauth1 import exceptions as ks_exc

from opie.tests.stand_ins.placement import records
from opie.tests.stand_ins.placement import server


class StandIn:
    """Placement, and a client of it.

    :param is_lenient: see :class:`records.Records`; False for placement 13.
    :ivar records: what it remembers, for tests to read.
    :ivar calls: each (method, url, body) so far.
    """

    def __init__(self, is_lenient=True):
        self.records = records.Records(is_lenient)
        self._server = server.Server(self.records)
        self.calls = []
        self._lock = threading.Lock()
        self._interruptions = []

    def get(self, url, version=None, global_request_id=None):
        return self._call('get', url)

    def post(self, url, data, version=None, global_request_id=None):
        return self._call('post', url, data)

    def put(self, url, data, version=None, global_request_id=None):
        return self._call('put', url, data)

    def delete(self, url, version=None, global_request_id=None):
        return self._call('delete', url)

    def interrupt(self, method, pattern, what, number=1):
        """Let something else happen than that a call is answered.

        :param pattern: a regular expression that the url begins with.
        :param what: gets a function that does the call and returns its
            :class:`server.Answer`; returns another, or raises an exception.
        :param number: which of the calls from now on, from 1; None for each.
        """
        self._interruptions.append(
            _Interruption(method, re.compile(pattern), what, number)
        )

    def stop_interrupting(self):
        """Have all calls answered from now on."""
        self._interruptions.clear()

    def _call(self, method, url, body=None):
        # What the caller changes afterwards is not part of the call.
        body = json.loads(json.dumps(body))
        self.calls.append((method, url, body))

        def call():
            return self._answer(method, url, body)

        for interruption in self._interruptions:
            if interruption.is_due(method, url):
                return interruption.what(call)
        return call()

    def _answer(self, method, url, body):
        with self._lock:
            return self._server.answer(method, url, body)


class _Interruption:
    def __init__(self, method, pattern, what, number):
        self.what = what
        self._method = method
        self._pattern = pattern
        self._number = number
        self._calls = 0

    def is_due(self, method, url):
        if method != self._method or not self._pattern.match(url):
            return False
        self._calls += 1
        return self._number in (None, self._calls)


def unreachable(call):
    """Let a call not arrive."""
    raise ks_exc.ConnectFailure('connection refused')


def lose_answer(call):
    """Do what is asked, and do not answer."""
    call()
    raise ks_exc.ConnectTimeout('timed out')


def answer(status_code):
    """Have an error answered, with nothing done."""
    return lambda call: server.Answer(status_code)


def overtake(call):
    """Have other writers of the provider be faster, as often as is tried."""
    return server.conflict(
        'Inventory and/or allocations changed while attempting to allocate: '
        'Another thread concurrently updated the resource provider data. '
        'Please retry your update',
        records.CONCURRENT_UPDATE,
    )


def first(action):
    """Have something done before a call is."""

    def what(call):
        action()
        return call()

    return what


def then(action):
    """Have something done after a call is, and before its answer arrives."""

    def what(call):
        answered = call()
        action()
        return answered

    return what
