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

"""The calls to placement that a preemption makes.

An answer comes back as a plain value.  ``ErrorResponse`` means that placement
said no and nothing has changed.  ``NoAnswer`` means that placement may have
done what it was asked: a writer has to read before it writes again.
"""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from concurrent import futures
import dataclasses
import typing
from urllib import parse

from keystoneauth1 import exceptions as ks_exc
import nova.conf

from opie.scheduler import resources

CONF = nova.conf.CONF

# NOTE: the version that nova.scheduler.client.report asks allocation
# candidates with, so that a Selection of ours looks like one of nova's.
VERSION = '1.36'

# Placement has as many workers as its operator gives it.
MAX_READS_AT_ONCE = 4
_CONCURRENT_UPDATE = 'placement.concurrent_update'
_NO_BODY = object()
_Found = typing.TypeVar('_Found')
# How long placement may be silent, as proxies before it are used to.
_TIMEOUT_SECONDS = 60


def limit_waiting() -> None:
    """End each call that placement does not answer within a minute.

    This holds for the whole process, and must come before nova makes its
    client.  nova itself waits for ever, and a placement that hangs would hold
    the lock under which plans are made.  A ``[placement] timeout`` that the
    operator has set stays as it is.
    """
    CONF.set_default('timeout', _TIMEOUT_SECONDS, 'placement')


class PlacementError(Exception):
    """Base of what can go wrong between opie and placement."""


class NoAnswer(PlacementError):
    """Placement did not say whether it has done what it was asked."""


class ErrorResponse(PlacementError):
    """Placement said no, and nothing has changed.

    :ivar status: the HTTP status.
    :ivar detail: placement's own words.
    :ivar is_overtaken: another writer was faster, on a provider or consumer.
    :ivar is_provider_conflict: another writer was faster on a provider; the
        same body may succeed when it is sent again.
    :ivar is_inventory_conflict: a provider has no room for it, or does not
        give it out in such units.
    :ivar is_orphan_conflict: a consumer that should not exist does, without
        allocations, at generation 0.
    """

    def __init__(self, url: str, response: typing.Any) -> None:
        self.status = response.status_code
        error = _first_error(response)
        self.detail = error.get('detail', '')
        self.is_overtaken = (
            self.status == 409 and error.get('code') == _CONCURRENT_UPDATE
        )
        self.is_provider_conflict = (
            self.is_overtaken
            # NOTE: nova/scheduler/client/report.py tells the two kinds of
            # conflict apart by this text as well; there is no finer code.
            and 'consumer generation conflict' not in self.detail
        )
        # NOTE: placement/handlers/allocation.py gives no code to these.
        self.is_inventory_conflict = (
            self.status == 409 and not self.is_overtaken
        )
        # NOTE: placement creates the consumers of a claim first, and leaves
        # them behind when it refuses one that names an unknown provider. GET
        # does not show them, and null is not their generation.
        self.is_orphan_conflict = (
            self.status == 409 and 'expected 0 but got None' in self.detail
        )
        text = ' '.join(self.detail.split())
        super().__init__('%s: %s %s' % (url, self.status, text))


def _first_error(response):
    try:
        return response.json()['errors'][0]
    except (ValueError, KeyError, IndexError, TypeError):
        return {}


def _amounts_by_uuid(
    allocations: Mapping[str, dict[str, typing.Any]],
) -> dict[str, dict[str, int]]:
    """Return uuid to amounts: those of a consumer, or those on a provider."""
    return {uuid: item['resources'] for uuid, item in allocations.items()}


@dataclasses.dataclass(frozen=True)
class Consumer:
    """A consumer as placement has it.

    :ivar allocations: provider uuid to resource class to amount; empty for a
        consumer that does not exist.
    :ivar generation: None for a consumer that does not exist.
    """

    uuid: str
    allocations: resources.Allocations
    project_id: str | None = None
    user_id: str | None = None
    generation: int | None = None

    def body(
        self, allocations: resources.Allocations
    ) -> dict[str, typing.Any]:
        """Return what lets it have other allocations, for POST."""
        return {
            'allocations': {
                provider: {'resources': dict(amounts)}
                for provider, amounts in allocations.items()
            },
            'project_id': self.project_id,
            'user_id': self.user_id,
            'consumer_generation': self.generation,
        }


class Client:
    """Makes calls to placement through nova's client.

    :param report_client: nova's SchedulerReportClient.
    :param global_request_id: sent along, so that logs can be matched.
    """

    def __init__(
        self, report_client: typing.Any, global_request_id: str | None = None
    ) -> None:
        self._client = report_client
        self._global_request_id = global_request_id

    def _call(
        self, method: str, url: str, body: typing.Any = _NO_BODY
    ) -> typing.Any:
        arguments = [url] if body is _NO_BODY else [url, body]
        try:
            response = getattr(self._client, method)(
                *arguments,
                version=VERSION,
                global_request_id=self._global_request_id,
            )
        except ks_exc.ClientException as exc:
            raise NoAnswer('%s: %s' % (url, exc)) from exc
        if response.status_code >= 500:
            raise NoAnswer('%s: %s' % (url, response.status_code))
        if response.status_code >= 400:
            raise ErrorResponse(url, response)
        return response

    def _read(
        self, url: str, extract: Callable[[dict[str, typing.Any]], _Found]
    ) -> _Found:
        """Return what a function finds in the answer to a GET."""
        response = self._call('get', url)
        try:
            return extract(response.json())
        except (ValueError, KeyError, TypeError, AttributeError) as exc:
            # It may be the page of a proxy.
            raise NoAnswer('%s: no answer of placement' % url) from exc

    def providers(
        self, query: Iterable[tuple[str, str]]
    ) -> list[dict[str, typing.Any]]:
        """Return the providers that a query matches, as placement has them.

        :param query: (key, value) pairs.
        """
        return self._read(
            '/resource_providers?%s' % parse.urlencode(list(query)),
            lambda answer: answer['resource_providers'],
        )

    def inventories(
        self, provider: str
    ) -> tuple[int, dict[str, dict[str, typing.Any]]]:
        """Return (provider generation, resource class to inventory)."""
        return self._read(
            '/resource_providers/%s/inventories' % provider,
            lambda answer: (
                answer['resource_provider_generation'],
                answer['inventories'],
            ),
        )

    def provider_allocations(
        self, provider: str
    ) -> tuple[int, dict[str, dict[str, int]]]:
        """Return (provider generation, consumer uuid to amounts)."""
        return self._read(
            '/resource_providers/%s/allocations' % provider,
            lambda answer: (
                answer['resource_provider_generation'],
                _amounts_by_uuid(answer['allocations']),
            ),
        )

    def traits(self, provider: str) -> tuple[int, frozenset[str]]:
        """Return (provider generation, traits)."""
        return self._read(
            '/resource_providers/%s/traits' % provider,
            lambda answer: (
                answer['resource_provider_generation'],
                frozenset(answer['traits']),
            ),
        )

    def aggregates(self, provider: str) -> tuple[int, frozenset[str]]:
        """Return (provider generation, uuids of its aggregates)."""
        return self._read(
            '/resource_providers/%s/aggregates' % provider,
            lambda answer: (
                answer['resource_provider_generation'],
                frozenset(answer['aggregates']),
            ),
        )

    def consumer(self, uuid: str) -> Consumer:
        """Return the consumer with a uuid, whether it exists or not."""
        return self._read(
            '/allocations/%s' % uuid,
            lambda answer: Consumer(
                uuid,
                _amounts_by_uuid(answer['allocations']),
                answer.get('project_id'),
                answer.get('user_id'),
                answer.get('consumer_generation'),
            ),
        )

    def consumers(self, uuids: Iterable[str]) -> dict[str, Consumer]:
        """Return uuid to consumer of several, which are read side by side."""
        uuids = sorted(uuids)
        if len(uuids) < 2:
            return {uuid: self.consumer(uuid) for uuid in uuids}
        with futures.ThreadPoolExecutor(MAX_READS_AT_ONCE) as pool:
            return dict(
                zip(uuids, pool.map(self.consumer, uuids), strict=True)
            )

    def replace_allocations(
        self, bodies: Mapping[str, dict[str, typing.Any]]
    ) -> None:
        """Write the allocations of several consumers in one transaction.

        :param bodies: consumer uuid to :meth:`Consumer.body`.
        """
        self._call('post', '/allocations', bodies)

    def ensure_resource_class(self, name: str) -> None:
        """Create a custom resource class, unless it is there."""
        self._call('put', '/resource_classes/%s' % name, None)

    def create_provider(
        self, uuid: str, name: str, parent: str | None = None
    ) -> None:
        """Create a provider.

        :param parent: uuid of its parent, None for a root.
        """
        body = {'uuid': uuid, 'name': name}
        if parent:
            body['parent_provider_uuid'] = parent
        self._call('post', '/resource_providers', body)

    def set_totals(
        self, provider: str, generation: int, totals: resources.Amounts
    ) -> None:
        """Give a provider an inventory of each class, and no others.

        :param generation: of the provider, as it was read.
        """
        self._call(
            'put',
            '/resource_providers/%s/inventories' % provider,
            {
                'resource_provider_generation': generation,
                'inventories': {
                    name: {'total': total} for name, total in totals.items()
                },
            },
        )

    def delete_provider(self, uuid: str) -> None:
        """Delete a provider, which must have no allocations."""
        self._call('delete', '/resource_providers/%s' % uuid)
