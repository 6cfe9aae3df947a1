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

"""What the cloud's filters answer about preemptors and victims on one host.

What placement would accept of the victims is asked before; see shares.py.

All preemptors of a request are alike, so the next ones stand for any that will
be nominated to a host.
"""

import collections.abc

from opie.preemption import amounts
from opie.preemption import leaving
from opie.preemption import live_cloud
from opie.preemption import model
from opie.preemption import shares

_UNSPLITTABLE = (
    'placement would refuse what is left allocated to a victim: min_unit, '
    'max_unit or step_size'
)


class TimeOver(Exception):
    """The filters are not asked any more."""


class FilterAnswers:
    """Asks the filters, and nothing twice while earlier nominations stay.

    :meth:`begin` comes first.
    """

    def __init__(
        self, request: model.Request, cloud: live_cloud.LiveCloud
    ) -> None:
        self.request = request
        self._cloud = cloud

    def begin(self, nominations: tuple[model.Nomination, ...]) -> None:
        """Take nominations for granted, and forget what was asked before."""
        self.before = nominations
        self._answers: dict[
            tuple[str, frozenset[str], int, model.Taking | None], str | None
        ] = {}

    def on_host(
        self,
        host: model.Host,
        number: int,
        taking: model.Taking | None = None,
    ) -> 'HostAnswers':
        """Return the answers about so many more preemptors on a host.

        :param host: the host as it is without this plan's nominations.
        :param taking: what each of them takes if the request is spread.
        """
        return HostAnswers(host, number, self, taking)

    def ask(
        self,
        provider: str,
        gone: frozenset[str],
        nominations: tuple[model.Nomination, ...],
        taking: model.Taking | None,
    ) -> str | None:
        """See :meth:`live_cloud.LiveCloud.why_refused`.

        :raises TimeOver: if the time is over.
        """
        key = provider, gone, len(nominations), taking
        if key not in self._answers:
            if self._cloud.is_time_over():
                raise TimeOver
            self._answers[key] = self._cloud.why_refused(
                provider, gone, nominations, taking
            )
        return self._answers[key]


class HostAnswers:
    """What the filters answer about some preemptors on one host."""

    def __init__(
        self,
        host: model.Host,
        number: int,
        answers: FilterAnswers,
        taking: model.Taking | None = None,
    ) -> None:
        self._host = host
        self._answers = answers
        self._taking = taking
        before = answers.before
        self._names = answers.request.preemptors[len(before) :][:number]
        self._here = [one for one in before if one.provider == host.provider]
        here = [*self._here, *self._nominated(())]
        self._leaving = leaving.LeavingServers(
            host,
            _victims_of(self._here),
            amounts.total(one.takes(answers.request) for one in here),
        )

    def why_unacceptable(
        self, victims: tuple[model.Server, ...]
    ) -> str | None:
        """Return why the host cannot take the preemptors, or None.

        Leaving servers are gone as well: those without which there is no
        room, or else all of them.

        :param victims: the servers that would be gone for these preemptors.
        """
        reason = self._why_not(victims + self._needed(victims))
        if reason is None or not self._leaving.all:
            return reason
        return self._why_not(victims + self._leaving.all)

    def leaving_for(
        self, victims: tuple[model.Server, ...]
    ) -> tuple[model.Server, ...]:
        """Return the leaving servers that must be gone with some victims.

        :param victims: those with which the host can take the preemptors.
        """
        needed = self._needed(victims)
        if self._why_not(victims + needed) is None:
            return needed
        return self._needed(
            victims, lambda some: self._why_not(victims + some) is None
        )

    def _needed(
        self,
        victims: tuple[model.Server, ...],
        *suffices: collections.abc.Callable[[tuple[model.Server, ...]], bool],
    ) -> tuple[model.Server, ...]:
        """Return the leaving servers without which there is no room."""
        gone = [*_victims_of(self._here), *victims]
        return self._leaving.needed(gone, *suffices)

    def _why_not(self, gone: tuple[model.Server, ...]) -> str | None:
        here = [*self._here, *self._nominated(gone)]
        shared = shares.share_out(
            self._host,
            _victims_of(here),
            {one.preemptor: one.takes(self._answers.request) for one in here},
        )
        return _UNSPLITTABLE if shared is None else self._why_refused(gone)

    def why_filters_refuse(
        self, victims: tuple[model.Server, ...]
    ) -> str | None:
        """Return why the filters refuse the preemptors, which need not fit.

        All leaving servers are gone as well.
        """
        return self._why_refused(victims + self._leaving.all)

    def _why_refused(
        self, gone_for_new: tuple[model.Server, ...]
    ) -> str | None:
        new = self._nominated(gone_for_new)
        gone = frozenset(
            server.uuid for server in _victims_of([*self._here, *new])
        )
        for index in range(len(new)):
            reason = self._answers.ask(
                self._host.provider,
                gone,
                (*self._answers.before, *new[:index]),
                self._taking,
            )
            if reason is not None:
                return reason
        return None

    def _nominated(
        self, victims: tuple[model.Server, ...]
    ) -> tuple[model.Nomination, ...]:
        return model.nominate(
            self._names, self._host.provider, victims, self._taking
        )


def _victims_of(
    nominations: collections.abc.Iterable[model.Nomination],
) -> list[model.Server]:
    return [server for one in nominations for server in one.victims]
