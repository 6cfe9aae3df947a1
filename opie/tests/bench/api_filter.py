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
"""Measures what the filter adds to the time that nova's API takes.

``python -m opie.tests.bench.api_filter`` asks one nova, in this process and
with SQLite, with and without the filter by turns, and prints ratios of what it
measured.  Nothing is scheduled: new servers stay where the API has put them.
"""

import gc
import statistics
import sys
import time

# NOTE: sets up the threading model before anything imports eventlet.
from opie.sandbox.inprocess import harness  # isort: skip

import fixtures
from nova import context as nova_context
from nova.db.api import api as api_db
from nova.db.api import models as api_models
from nova.db.main import api as main_db
from nova.db.main import models as main_models
from oslo_utils import uuidutils
from paste import deploy
import webob

from opie.sandbox import paste
from opie.sandbox.inprocess import paste_fixture
from opie.tests.bench import stack

PAIRS = 30
SERVERS = 1000

_IMAGE_ID = '155d900f-4e14-4e4c-a73d-069cbf4541e6'
_NOVA = 'compute latest'
_OPIE = 'compute latest, opie 1.0'
_HEADERS = {
    # NOTE: nova/tests/fixtures/nova.py believes these; there is no keystone.
    'X-Auth-User': 'admin',
    'X-Auth-Project-Id': '6f70656e737461636b20342065766572',
    'X-Roles': 'reader,member,admin',
}


class Bench(harness.Harness):
    """The services, and nova's API twice: as it is and with the filter."""

    hosts = ('host1',)

    def setUp(self):
        # The log of nova would hide the results.
        self.useFixture(
            fixtures.MonkeyPatch(
                'nova.tests.fixtures.StandardLogging', fixtures.Fixture
            )
        )
        super().setUp()

    def runTest(self):
        paste_file = self.useFixture(paste_fixture.PasteFixture()).path
        plain, filtered = (
            deploy.loadapp('config:' + path, name='osapi_compute')
            for path in (paste.of_nova(), paste_file)
        )
        flavor_id = self._create_flavor()
        self._create_servers(flavor_id)
        self.useFixture(
            fixtures.MockPatch(
                'nova.conductor.api.ComputeTaskAPI.schedule_and_build_instances'
            )
        )
        measure(
            'GET /servers/detail, %d servers' % SERVERS,
            lambda: _ask(plain, '/servers/detail'),
            lambda: _ask(filtered, '/servers/detail'),
        )
        measure(
            'the same, asked which are preemptible',
            lambda: _ask(plain, '/servers/detail'),
            lambda: _ask(filtered, '/servers/detail', _OPIE),
        )
        measure(
            'GET /servers/detail?preemptible=true&limit=100, 100 of %d'
            % SERVERS,
            lambda: _ask(plain, '/servers/detail?limit=100'),
            lambda: _ask(
                filtered, '/servers/detail?limit=100&preemptible=true', _OPIE
            ),
        )
        measure(
            'POST /servers',
            lambda: _post(plain, flavor_id, hints={'preemptible': True}),
            lambda: _post(filtered, flavor_id, preemptible=True),
        )

    def _create_servers(self, flavor_id):
        """Boot a server of each kind and copy their records."""
        context = nova_context.get_admin_context()
        cell = self.cell_mappings['cell1']
        for hints in ({}, {'preemptible': True}):
            uuid = _post(self.api_fixture.app(), flavor_id, hints).json[
                'server'
            ]['id']
            self._wait_for_state_change({'id': uuid}, 'ACTIVE')
            copies = [
                uuidutils.generate_uuid() for _ in range(SERVERS // 2 - 1)
            ]
            with nova_context.target_cell(context, cell) as cell_context:
                _copy_in_cell(cell_context, uuid, copies)
            _copy_in_api(context, uuid, copies)


@main_db.pick_context_manager_writer
def _copy_in_cell(context, uuid, copies):
    instance = main_models.Instance.__table__
    _copy(context, instance.c.uuid, uuid, copies)
    for model in (
        main_models.InstanceExtra,
        main_models.InstanceInfoCache,
        main_models.InstanceSystemMetadata,
    ):
        _copy(context, model.__table__.c.instance_uuid, uuid, copies)


@api_db.context_manager.writer
def _copy_in_api(context, uuid, copies):
    for model in (api_models.InstanceMapping, api_models.RequestSpec):
        _copy(context, model.__table__.c.instance_uuid, uuid, copies)


def _copy(context, column, uuid, copies):
    """Copy the rows of a server in a table, for each of some new uuids."""
    table = column.table
    rows = context.session.execute(table.select().where(column == uuid))
    templates = [dict(row._mapping) for row in rows]
    for template in templates:
        del template['id']
    context.session.execute(
        table.insert(),
        [
            {
                name: value.replace(uuid, copy)
                if isinstance(value, str)
                else value
                for name, value in template.items()
            }
            for copy in copies
            for template in templates
        ],
    )


def measure(what, plain, filtered):
    """Call both by turns and print the medians and their ratio."""
    for call in (plain, filtered):
        call()
    times = {plain: [], filtered: []}
    for number in range(PAIRS):
        pair = (plain, filtered) if number % 2 else (filtered, plain)
        for call in pair:
            # Otherwise one call pays for the garbage of the other.
            gc.collect()
            began = time.perf_counter()
            stack.call(stack.depth(number, PAIRS), call)
            times[call].append(time.perf_counter() - began)
    ratios = [
        with_it / without
        for without, with_it in zip(times[plain], times[filtered], strict=True)
    ]
    sys.stdout.write(
        '%s: without the filter %.1f ms, with it %.1f ms; median of the '
        'ratios of %d alternating pairs %.3f, that is %+.1f %%\n'
        % (
            what,
            1000 * statistics.median(times[plain]),
            1000 * statistics.median(times[filtered]),
            PAIRS,
            statistics.median(ratios),
            100 * (statistics.median(ratios) - 1),
        )
    )


def _ask(app, path, version=_NOVA, **kwargs):
    request = webob.Request.blank(
        '/v2.1' + path,
        headers={'OpenStack-API-Version': version, **_HEADERS},
        **kwargs,
    )
    response = request.get_response(app)
    if response.status_code not in (200, 202):
        raise RuntimeError(response.text)
    return response


def _post(app, flavor_id, hints=None, **members):
    server = {
        'name': 'server',
        'imageRef': _IMAGE_ID,
        'flavorRef': flavor_id,
        'networks': 'none',
        **members,
    }
    body = {'server': server}
    if hints:
        body['os:scheduler_hints'] = hints
    return _ask(app, '/servers', method='POST', json=body)


def main():
    """Run it as the test case that the stand-ins need."""
    bench = Bench()
    try:
        bench.setUp()
        bench.runTest()
    finally:
        bench.doCleanups()


if __name__ == '__main__':
    main()
