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

"""What the requests of one turn are answered."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
import contextlib

from opie.scheduler.preempting import attempt as attempts
from opie.scheduler.preempting import waiting_request

Request = waiting_request.WaitingRequest


class Answers:
    """The outcomes of the requests of one turn.

    A request that is answered may wait for another turn at once, with another
    outcome.
    """

    def __init__(self, requests: Iterable[Request]) -> None:
        self._outcomes = {request: request.outcome for request in requests}

    def give(self, request: Request, attempt: attempts.Attempt) -> None:
        """Answer a request that has its claim."""
        self._outcomes[request].set_result(attempt)

    def fail(self, request: Request, error: Exception) -> None:
        """Answer a request that has none, or a void one."""
        self._outcomes[request].set_exception(error)

    @contextlib.contextmanager
    def failing(self, request: Request) -> Iterator[None]:
        """Let an error be the answer to one request, while others go on."""
        try:
            yield
        except Exception as exc:
            self.fail(request, exc)
