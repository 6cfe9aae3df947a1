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

"""Lists what opie needs each part of nova for, as in "opie needs it to ...".

The purpose of a dotted path is the purpose of every symbol that begins with
it, unless a longer path has a purpose of its own.
"""

PURPOSES = {
    'nova.api': 'to filter requests to the API',
    'nova.block_device': 'to filter requests to the API',
    'nova.api.validation.extra_specs': (
        'to have the API check its extra spec'
    ),
    'nova.cmd': 'to start the scheduler service with its own classes',
    'nova.compute.api': 'to evict',
    'nova.compute.instance_list': 'to list preemptible servers alone',
    'nova.compute.rpcapi': 'to ask again for deletions that were lost',
    'nova.compute.task_states': 'to know in which state a victim is',
    'nova.compute.utils': 'to answer as nova does',
    'nova.compute.vm_states': 'to know in which state a victim is',
    'nova.conf.CONF': 'to read the options of nova, and its own',
    'nova.conf.CONF.filter_scheduler': (
        'to weigh hosts by their preemptible servers'
    ),
    'nova.config': 'to have commands of its own',
    'nova.context': 'to read cells',
    'nova.db': 'to read the databases',
    'nova.db.utils': 'to list preemptible servers alone',
    'nova.db.api.models': 'to know which servers are preemptible',
    'nova.db.api.models.Aggregate': (
        'to know on which hosts no server is evicted'
    ),
    'nova.db.main.models': (
        'to know which servers are preemptible, and which must not go'
    ),
    'nova.db.main.models.ComputeNode': 'to estimate what a host has',
    'nova.exception': 'to know what went wrong',
    'nova.exception.PolicyNotAuthorized': 'to filter requests to the API',
    'nova.image': 'to filter requests to the API',
    'nova.limit': 'to ask for quota as nova does',
    'nova.objects': 'to know servers and hosts, and their cells',
    'nova.objects.BlockDeviceMappingList': (
        'to ask again for deletions that were lost'
    ),
    'nova.objects.BuildRequest': 'to tell boots from moves',
    'nova.objects.build_request': 'to list preemptible servers alone',
    'nova.objects.Flavor': 'to filter requests to the API',
    'nova.objects.InstanceAction': 'to evict',
    'nova.objects.InstanceGroup': 'to keep the policy of a server group',
    'nova.objects.Quotas': 'to ask for quota as nova does',
    'nova.objects.RequestSpec': 'to know what a request is about',
    'nova.objects.Selection': 'to answer as nova does',
    'nova.objects.fields': 'to answer as nova does',
    'nova.objects.register_all': 'to check all this',
    'nova.policy': 'to enforce its policy rules among those of nova',
    'nova.scheduler.client': 'to talk to placement',
    'nova.scheduler.filters': (
        'to ask what a compute will ask before it takes a server'
    ),
    'nova.scheduler.host_manager': (
        'to know the hosts and to ask filters about them'
    ),
    'nova.scheduler.manager': 'to schedule as nova does first',
    'nova.scheduler.request_filter': 'to know what a request needs',
    'nova.scheduler.utils': 'to know what a request needs',
    'nova.scheduler.utils.get_weight_multiplier': (
        'to weigh hosts as their aggregates say'
    ),
    'nova.scheduler.weights': 'to weigh hosts by their preemptible servers',
    'nova.service': 'to start the scheduler service with its own classes',
    'nova.servicegroup': 'to know which compute services are up',
    'nova.virt.hardware': 'to know what is left of a NUMA cell',
    'nova.volume': 'to filter requests to the API',
}


def purpose_of(path: str) -> str:
    """Return what opie needs a symbol of nova for.

    :raises KeyError: if nothing that the path begins with has a purpose.
    """
    names = path.split('.')
    for length in range(len(names), 0, -1):
        prefix = '.'.join(names[:length])
        if prefix in PURPOSES:
            return PURPOSES[prefix]
    raise KeyError(path)
