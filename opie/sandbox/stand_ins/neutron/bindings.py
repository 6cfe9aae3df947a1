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

"""Bindings of a port to hosts: the active one, and those of migrations.

The active one is kept in the port's own members.
"""

from opie.sandbox.stand_ins import answers

HOST = 'binding:host_id'
PROFILE = 'binding:profile'
VNIC_TYPE = 'binding:vnic_type'
# Host to binding, of those that are not active.
OTHERS = 'other_bindings'

_VIF_TYPE = 'binding:vif_type'
_VIF_DETAILS = 'binding:vif_details'
_BOUND = {'vif_type': 'ovs', 'vif_details': {'port_filter': True}}


def complete(port):
    """Fill in what follows from the host of a port."""
    port[HOST] = port[HOST] or ''
    port[PROFILE] = port[PROFILE] or {}
    port[_VIF_TYPE] = _BOUND['vif_type'] if port[HOST] else 'unbound'
    port[_VIF_DETAILS] = _BOUND['vif_details'] if port[HOST] else {}
    port['status'] = 'ACTIVE' if port[HOST] else 'DOWN'
    # A host has one binding.
    port[OTHERS].pop(port[HOST], None)


def shown(port, caller):
    """Return what a caller sees of a port."""
    return {
        name: value
        for name, value in port.items()
        if name != OTHERS
        and (caller.is_admin or not name.startswith('binding:'))
        or name == VNIC_TYPE
    }


def answer(request, port, save):
    """Answer a request for the bindings of a port.

    :param save: is called with a port that has changed.
    """
    if not request.caller.is_admin:
        raise answers.Refusal(
            403, 'Only an administrator binds ports.', 'PolicyNotAuthorized'
        )
    _, _, _, *rest = request.path
    do = _ACTIONS.get((request.method, len(rest[:1]), *rest[1:]))
    if do is None:
        raise answers.Refusal(404, 'The resource could not be found.')
    return do(request, port, save)


def _all(port):
    found = dict(port[OTHERS])
    if port[HOST]:
        found[port[HOST]] = _active(port)
    return found


def _active(port):
    return {
        'host': port[HOST],
        'status': 'ACTIVE',
        'vif_type': port[_VIF_TYPE],
        'vif_details': port[_VIF_DETAILS],
        'vnic_type': port[VNIC_TYPE],
        'profile': port[PROFILE],
    }


def _find(request, port):
    host = request.path[3]
    found = _all(port)
    if host not in found:
        raise answers.Refusal(
            404,
            'Binding for port %s for host %s could not be found.'
            % (port['id'], host),
            'PortBindingNotFound',
        )
    return found[host]


def _list(request, port, save):
    return answers.as_json({'bindings': list(_all(port).values())})


def _show(request, port, save):
    return answers.as_json({'binding': _find(request, port)})


def _create(request, port, save):
    values = request.member('binding')
    host = values.get('host')
    if host in _all(port):
        raise answers.Refusal(
            409,
            'Binding for port %s on host %s already exists.'
            % (port['id'], host),
            'PortBindingAlreadyExists',
        )
    binding = {
        'vnic_type': 'normal',
        'profile': {},
        **values,
        'status': 'INACTIVE',
        **_BOUND,
    }
    port[OTHERS][host] = binding
    save(port)
    return answers.as_json({'binding': binding}, 201)


def _update(request, port, save):
    binding = {**_find(request, port), **request.member('binding')}
    if binding['status'] == 'ACTIVE':
        port[PROFILE] = binding['profile']
        port[VNIC_TYPE] = binding['vnic_type']
    else:
        port[OTHERS][binding['host']] = binding
    save(port)
    return answers.as_json({'binding': binding})


def _activate(request, port, save):
    binding = _find(request, port)
    if binding['status'] == 'ACTIVE':
        raise answers.Refusal(
            409,
            'Binding for port %s on host %s is already active.'
            % (port['id'], binding['host']),
            'PortBindingAlreadyActive',
        )
    if port[HOST]:
        port[OTHERS][port[HOST]] = {**_active(port), 'status': 'INACTIVE'}
    port[HOST] = binding['host']
    port[PROFILE] = binding['profile']
    port[VNIC_TYPE] = binding['vnic_type']
    complete(port)
    save(port)
    return answers.as_json(_active(port))


def _delete(request, port, save):
    binding = _find(request, port)
    if binding['status'] == 'ACTIVE':
        port[HOST] = ''
        complete(port)
    else:
        del port[OTHERS][binding['host']]
    save(port)
    return answers.Answer(204)


# By the method, how many hosts the path names, and what is behind that.
_ACTIONS = {
    ('GET', 0): _list,
    ('POST', 0): _create,
    ('GET', 1): _show,
    ('PUT', 1): _update,
    ('PUT', 1, 'activate'): _activate,
    ('DELETE', 1): _delete,
}
