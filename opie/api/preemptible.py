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
"""The WSGI filter that lets nova's API speak of preemptible servers.

The filter stands right before nova's router, in api-paste.ini or through
opie.api.wsgi.  The member ``preemptible`` of a request becomes a scheduler
hint.  Answers about servers tell which servers are preemptible where the
request asks for that; all other answers are nova's, byte for byte.  A request
that is about something else passes as it is.
"""

from nova import exception
from nova import objects
from nova.api.openstack import common
from nova.api.openstack import wsgi
import nova.conf
from oslo_log import log as logging
from oslo_serialization import jsonutils
import webob.dec
import webob.exc

from opie import policy
from opie.api import answers
from opie.api import create_body
from opie.api import listing
from opie.api import lookup
from opie.api import query
from opie.api import routes
from opie.api import shutdown_timeout
from opie.api import versions
import opie.conf
from opie.conf import policies
from opie.preemption import marks

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)

opie.conf.register_opts(CONF)

# Set in the environment of a request that has passed a filter already.
_HAS_PASSED = 'opie.api.has_passed'
_INCOMPLETE = 'Answering %s %s without saying what is preemptible.'


def filter_factory(global_conf, **local_conf):
    """Return a function that wraps an application, for Paste Deploy."""
    return PreemptibleFilter


class PreemptibleFilter:
    """WSGI middleware, for the application that serves nova's API."""

    def __init__(self, application):
        self.application = application

    @webob.dec.wsgify(RequestClass=wsgi.Request)
    def __call__(self, req):
        route = routes.match(req.environ)
        if route is None or _HAS_PASSED in req.environ:
            return self.application
        req.environ[_HAS_PASSED] = True
        try:
            is_named = versions.is_named(req)
        except versions.NotAcceptable as error:
            return versions.refusal(req, error)
        is_shown = is_named or CONF.opie.always_show_preemptible
        answer = self._answer(req, *route, is_shown)
        if not is_named:
            return answer
        response = req.get_response(answer)
        versions.name_in(response)
        return response

    def _answer(self, req, operation, server_id, is_shown):
        """Return nova's answer, or a WSGI application that gives it.

        :param is_shown: whether it is to tell which servers are preemptible.
        """
        if operation == routes.CREATE:
            return self._create(req, is_shown)
        if operation in (routes.INDEX, routes.DETAIL):
            return self._list(req, is_shown)
        if operation == routes.ACTION:
            return self._act(req, server_id, is_shown)
        return self._forward(req, is_shown)

    def _create(self, req, is_shown):
        body = _decode(req)
        if body is None or not isinstance(body.get('server'), dict):
            return self.application
        context = _context(req)
        try:
            is_marked = create_body.read(body)
            is_preemptible = bool(is_marked) or _flavor_is_marked(
                context, body['server'].get('flavorRef')
            )
            rule = (
                policies.CREATE_PREEMPTIBLE
                if is_preemptible
                else policies.CREATE_NORMAL
            )
            if not policy.allows(rule, context):
                return self._forbid(req, rule)
            if is_preemptible:
                shutdown_timeout.check_new(context, body['server'])
            changed = create_body.for_nova(body, is_marked)
            if changed is not body:
                req.body = jsonutils.dump_as_bytes(changed)
        except (create_body.InvalidMark, shutdown_timeout.TooLong) as error:
            return self._refuse(req, webob.exc.HTTPBadRequest, str(error))
        except RecursionError:
            return self._refuse(
                req, webob.exc.HTTPBadRequest, 'Malformed request body'
            )
        if not is_shown:
            return self.application
        response = req.get_response(self.application)
        answers.add_to_created(response, is_preemptible)
        return response

    def _list(self, req, is_shown):
        try:
            rest, wanted = query.take(req.environ.get('QUERY_STRING', ''))
        except query.InvalidParameter as error:
            return self._refuse(req, webob.exc.HTTPBadRequest, str(error))
        if wanted is None and not is_shown:
            return self.application
        if wanted is not None:
            listing.choose(_context(req), wanted)
            # With a parameter for sorting, here that of nova's own order,
            # nova leaves out servers of silent cells as for every filter.
            req.environ['QUERY_STRING'] = query.with_order(rest)
        response = req.get_response(self.application)
        if wanted is not None:
            answers.keep_choice(response, wanted)
        if is_shown:
            self._tell(req, response, answers.add_to_page)
        return response

    def _act(self, req, server_id, is_shown):
        body = _decode(req) or {}
        resize, rebuild = body.get('resize'), body.get('rebuild')
        try:
            if isinstance(resize, dict):
                rule = self._rule_of_resize(req, server_id, resize)
                if rule is not None:
                    return self._forbid(req, rule)
            elif isinstance(rebuild, dict):
                self._check_rebuild(req, server_id, rebuild)
        except shutdown_timeout.TooLong as error:
            return self._refuse(req, webob.exc.HTTPBadRequest, str(error))
        return self._forward(req, is_shown)

    def _check_rebuild(self, req, server_id, rebuild):
        context = _context(req)
        server = _visible_server(context, server_id)
        if server is not None and server.is_preemptible:
            shutdown_timeout.check_rebuilt(context, rebuild.get('imageRef'))

    def _rule_of_resize(self, req, server_id, resize):
        """Return the rule that a resize would break, or None.

        :raises shutdown_timeout.TooLong: if it would make a server
            preemptible whose guest may take too long.
        """
        context = _context(req)
        server = _visible_server(context, server_id)
        if server is None or server.has_mark:
            return None
        will_be = _flavor_is_marked(context, resize.get('flavorRef'))
        # The mark is None where the cell is silent: then the rule is asked.
        if server.has_flavor_mark is will_be:
            return None
        rule = (
            policies.RESIZE_TO_PREEMPTIBLE
            if will_be
            else policies.RESIZE_TO_NORMAL
        )
        if not policy.allows(rule, context, server.project_id, server.user_id):
            return rule
        if will_be:
            shutdown_timeout.check(
                lookup.image_property(server.uuid, shutdown_timeout.PROPERTY)
            )
        return None

    def _forward(self, req, is_shown):
        """Have a request done whose answer may show one server."""
        if not is_shown:
            return self.application
        response = req.get_response(self.application)
        self._tell(req, response, answers.add_to_server)
        return response

    def _tell(self, req, response, add):
        try:
            add(response)
        except Exception:
            # nova has done what the request asks for; a 500 would say that
            # it has not.
            LOG.exception(_INCOMPLETE, req.method, req.path_info)

    def _forbid(self, req, rule):
        error = exception.PolicyNotAuthorized(action=rule)
        return self._refuse(
            req, webob.exc.HTTPForbidden, error.format_message()
        )

    def _refuse(self, req, error_class, explanation):
        """Answer as nova does; nova itself refuses a bad version."""
        try:
            req.set_api_version_request()
        except (
            exception.InvalidAPIVersionString,
            exception.InvalidGlobalAPIVersion,
        ):
            return self.application
        return wsgi.Fault(error_class(explanation=explanation))


def _decode(req):
    """Return the object in a request's body as nova reads it, or None."""
    try:
        req.get_content_type()
        body = jsonutils.loads(req.body)
    except (exception.InvalidContentType, ValueError):
        return None
    except (OSError, RecursionError):
        # The client has gone, or the body is too deep; nova will see as much.
        return None
    return body if isinstance(body, dict) else None


def _context(req):
    try:
        return req.environ['nova.context']
    except KeyError:
        raise RuntimeError(
            'The filter of opie does not know the requester. In '
            'api-paste.ini, put it after keystonecontext, right before the '
            'application.'
        ) from None


def _visible_server(context, server_id):
    """Return a :class:`lookup.Server`, None if nova does not tell of it."""
    # By position: a database may know the server by its id in capitals.
    server = next(iter(lookup.find([server_id]).values()), None)
    if server is None or server.is_deleted:
        return None
    # nova does not tell whether others' servers exist.
    is_visible = context.is_admin or server.project_id == context.project_id
    return server if is_visible else None


def _flavor_is_marked(context, flavor_ref):
    try:
        # NOTE: as nova/api/openstack/compute/servers.py finds it.
        flavor = objects.Flavor.get_by_flavor_id(
            context, common.get_id_from_href(flavor_ref), read_deleted='no'
        )
    except (exception.FlavorNotFound, ValueError):
        return False
    return marks.is_marked(extra_specs=flavor.extra_specs)
