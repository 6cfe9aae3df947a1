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

"""Pending preemptors, which count on their nominated hosts as servers do.

A preemptor is pending from the opening of its journal until nova has a record
of it on its host.  nova itself knows nothing of such a preemptor, and neither
does another scheduler, but for the journal.  A server that moves has a record
on its old host as well, and counts on both.
"""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping
import typing

from nova import context as nova_context
from nova import objects

from opie.scheduler import host_parts
from opie.scheduler import host_state
from opie.scheduler.nova_db import moves
from opie.scheduler.nova_db import whereabouts


class Preemption(typing.Protocol):
    """What is read here of claims/journal_names.py, in a room beside this."""

    @property
    def preemptor(self) -> str: ...

    @property
    def attempt(self) -> int: ...

    @property
    def nominated_provider(self) -> str: ...

    @property
    def move(self) -> moves.Move | None: ...


def nominated_by(preemptions: Iterable[Preemption]) -> dict[str, str]:
    """Return preemptor to the provider that it is nominated for.

    The journal of an earlier attempt of the same preemptor may still be there.
    """
    return {
        one.preemptor: one.nominated_provider
        for one in sorted(preemptions, key=lambda one: one.attempt)
    }


def find(
    context: nova_context.RequestContext, preemptions: Iterable[Preemption]
) -> whereabouts.Whereabouts:
    """Return where the preemptors of some preemptions are by nova's records.

    :returns: those that are pending are without a host.
    :raises errors.SilentCells: if a cell does not answer.
    """
    preemptions = list(preemptions)
    moved = [one for one in preemptions if one.move is not None]
    moving = {one.preemptor for one in moved if _is_moving(context, one)}
    booted = {one.preemptor for one in preemptions if one.move is None}
    found = whereabouts.find(context, booted - moving)
    return found._replace(without_host=found.without_host | moving)


def _is_moving(
    context: nova_context.RequestContext, preemption: Preemption
) -> bool:
    """Tell whether a server that moves is not on its nominated host yet."""
    assert preemption.move
    record = moves.record(context, preemption.preemptor, preemption.move)
    return (
        record is not None
        and record.provider != preemption.nominated_provider
        and record.progress(preemption.move)
        in (moves.Progress.AWAITED, moves.Progress.UNDER_WAY)
    )


class Pending:
    """The pending preemptors at one moment.

    :param nominated: preemptor to provider.
    :param hosts: provider to the name of its host.
    :param specs: preemptor to what it asks for, of those that were read
        already, None where that is not known; it grows.
    """

    def __init__(
        self,
        nominated: Mapping[str, str],
        hosts: Mapping[str, str],
        specs: dict[str, objects.RequestSpec | None],
    ) -> None:
        self._nominated = nominated
        self._hosts = hosts
        self._specs = specs
        self._on: dict[str, list[str]] = {}
        for preemptor, provider in nominated.items():
            self._on.setdefault(provider, []).append(preemptor)

    def but(self, preemptors: Collection[str]) -> Pending:
        """Return the same without some preemptors."""
        return Pending(
            {
                preemptor: provider
                for preemptor, provider in self._nominated.items()
                if preemptor not in preemptors
            },
            self._hosts,
            self._specs,
        )

    def hosts_of(self, preemptors: Collection[str]) -> set[str]:
        """Return the hosts of those of some preemptors that are pending.

        A provider whose compute node nova has no more has no host.
        """
        return {
            self._hosts[provider]
            for preemptor, provider in self._nominated.items()
            if preemptor in preemptors and provider in self._hosts
        }

    def on(self, provider: str) -> list[str]:
        """Return the preemptors that are nominated for a provider."""
        return self._on.get(provider, [])

    def read_specs(self, providers: Iterable[str]) -> None:
        """Read at once what the preemptors on some providers ask for."""
        unknown = [
            preemptor
            for provider in providers
            for preemptor in self.on(provider)
            if preemptor not in self._specs
        ]
        if unknown:
            context = nova_context.get_admin_context()
            found = whereabouts.specs_of(context, unknown)
            # At once, because other threads read them.
            self._specs.update({**dict.fromkeys(unknown), **found})

    def count_on(
        self,
        state: host_state.HostState,
        held: Mapping[str, Mapping[str, int]] | None = None,
    ) -> None:
        """Count the preemptors on a host as servers of it.

        :param state: a copy of the host's state, which is changed.
        :param held: preemptor to the providers below the root of which it has
            claimed anything, with how many units of a class; None if the tree
            of the host was not read.
        """
        self.read_specs([state.uuid])
        for preemptor in self.on(state.uuid):
            # A record may have come since the preemptor was found pending.
            if preemptor in state.instances:
                continue
            spec = self._specs.get(preemptor)
            if spec is not None and held:
                spec = host_parts.with_devices_of(spec, held.get(preemptor))
            if spec is not None:
                state.count(spec)
            state.note([preemptor])


class Reader:
    """Finds the pending ones among the preemptors of the journal.

    One worker keeps what cannot change any more: which preemptors are not
    pending any more, and what those ask for that are.
    """

    def __init__(self) -> None:
        self._ended: frozenset[str] = frozenset()
        self._specs: dict[str, objects.RequestSpec | None] = {}

    def read(
        self, preemptions: Iterable[Preemption], hosts: Mapping[str, str]
    ) -> Pending:
        """Return those that are pending.

        The journal must be read before this is called, and nova's records of
        servers on hosts afterwards.  Then a preemptor that gets its record in
        between is counted once.

        :param preemptions: all that are in the journal.
        :param hosts: provider to the name of its host.
        :raises errors.SilentCells: if a cell does not answer.
        """
        preemptions = list(preemptions)
        nominated = nominated_by(preemptions)
        found = find(
            nova_context.get_admin_context(),
            (
                one
                for one in preemptions
                if one.move is not None or one.preemptor not in self._ended
            ),
        )
        pending = found.without_host
        booted = {one.preemptor for one in preemptions if one.move is None}
        self._ended = frozenset(booted - pending)
        self._specs = {
            preemptor: spec
            for preemptor, spec in list(self._specs.items())
            if preemptor in pending
        }
        return Pending(
            {preemptor: nominated[preemptor] for preemptor in pending},
            hosts,
            self._specs,
        )
