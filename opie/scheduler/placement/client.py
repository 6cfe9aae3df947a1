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

from concurrent import futures
import dataclasses
from urllib import parse

from keystoneauth1 import exceptions as ks_exc
import nova.conf

CONF = nova.conf.CONF

# NOTE: the version that nova.scheduler.client.report asks allocation
# candidates with, so that a Selection of ours looks like one of nova's.
VERSION = '1.36'

# Placement has as many workers as its operator gives it.
_MAX_READS_AT_ONCE = 4
_CONCURRENT_UPDATE = 'placement.concurrent_update'
_NO_BODY = object()
# How long placement may be silent, as proxies before it are used to.
_TIMEOUT_SECONDS = 60


def limit_waiting():
    """Have a call end that placement does not answer.

    It is for the whole process, and before nova makes its client.  nova itself
    waits for ever unless ``[placement] timeout`` is set, which stays as it is:
    a placement that hangs would hold the lock under which plans are made.
    """
    CONF.set_default('timeout', _TIMEOUT_SECONDS, 'placement')


class PlacementError(Exception):
    """Base of what can go wrong between opie and placement."""


class NoAnswer(PlacementError):
    """Placement did not say whether it did what it was asked."""


class ErrorResponse(PlacementError):
    """Placement said no, and nothing has changed.

    :ivar status: the HTTP status.
    :ivar detail: placement's own words.
    :ivar is_overtaken: another writer was faster, on a provider or consumer.
    :ivar is_provider_conflict: another writer was faster on a provider; the
        same body may succeed when it is sent again.
    :ivar is_inventory_conflict: there is no room for it, or no unit of it.
    :ivar is_orphan_conflict: a consumer that should not exist does, without
        allocations, at generation 0.
    """

    def __init__(self, url, response):
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


def _resources_of(allocations):
    """Return provider or consumer uuid to resource class to amount."""
    return {uuid: item['resources'] for uuid, item in allocations.items()}


@dataclasses.dataclass(frozen=True)
class Consumer:
    """A consumer as placement has it.

    :ivar allocations: provider uuid to resource class to amount; empty for a
        consumer that does not exist.
    :ivar generation: None for a consumer that does not exist.
    """

    uuid: str
    allocations: dict
    project_id: str | None = None
    user_id: str | None = None
    generation: int | None = None

    def body(self, allocations):
        """Return what POST /allocations wants, with other allocations."""
        return {
            'allocations': {
                provider: {'resources': dict(resources)}
                for provider, resources in allocations.items()
            },
            'project_id': self.project_id,
            'user_id': self.user_id,
            'consumer_generation': self.generation,
        }


class Client:
    """Placement, as one request of nova's talks to it.

    :param report_client: nova's SchedulerReportClient.
    :param global_request_id: sent along, so that logs can be matched.
    """

    def __init__(self, report_client, global_request_id=None):
        self._client = report_client
        self._global_request_id = global_request_id

    def _call(self, method, url, body=_NO_BODY):
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

    def _read(self, url, extract):
        """Return what a function finds in the answer to a GET."""
        response = self._call('get', url)
        try:
            return extract(response.json())
        except (ValueError, KeyError, TypeError, AttributeError) as exc:
            # A proxy, perhaps, that has a page for everything.
            raise NoAnswer('%s: no answer of placement' % url) from exc

    def providers(self, query):
        """Return the providers that a query of (key, value) pairs matches."""
        return self._read(
            '/resource_providers?%s' % parse.urlencode(query),
            lambda answer: answer['resource_providers'],
        )

    def inventories(self, provider):
        """Return (provider generation, resource class to inventory)."""
        return self._read(
            '/resource_providers/%s/inventories' % provider,
            lambda answer: (
                answer['resource_provider_generation'],
                answer['inventories'],
            ),
        )

    def provider_allocations(self, provider):
        """Return (generation, consumer uuid to resource class to amount)."""
        return self._read(
            '/resource_providers/%s/allocations' % provider,
            lambda answer: (
                answer['resource_provider_generation'],
                _resources_of(answer['allocations']),
            ),
        )

    def consumer(self, uuid):
        """Return the :class:`Consumer` with a uuid, existing or not."""
        return self._read(
            '/allocations/%s' % uuid,
            lambda answer: Consumer(
                uuid,
                _resources_of(answer['allocations']),
                answer.get('project_id'),
                answer.get('user_id'),
                answer.get('consumer_generation'),
            ),
        )

    def consumers(self, uuids):
        """Return uuid to :class:`Consumer` of several, read side by side."""
        uuids = sorted(uuids)
        if len(uuids) < 2:
            return {uuid: self.consumer(uuid) for uuid in uuids}
        with futures.ThreadPoolExecutor(_MAX_READS_AT_ONCE) as pool:
            return dict(
                zip(uuids, pool.map(self.consumer, uuids), strict=True)
            )

    def replace_allocations(self, bodies):
        """Write the allocations of several consumers in one transaction.

        :param bodies: consumer uuid to :meth:`Consumer.body`.
        """
        self._call('post', '/allocations', bodies)

    def ensure_resource_class(self, name):
        self._call('put', '/resource_classes/%s' % name, None)

    def create_provider(self, uuid, name, parent=None):
        """Create a provider."""
        body = {'uuid': uuid, 'name': name}
        if parent:
            body['parent_provider_uuid'] = parent
        self._call('post', '/resource_providers', body)

    def set_totals(self, provider, generation, totals):
        """Give a provider an inventory of each class, with a total."""
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

    def delete_provider(self, uuid):
        self._call('delete', '/resource_providers/%s' % uuid)
