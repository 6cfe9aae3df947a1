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

"""``--preemptible``, and columns that show it, in commands on servers.

The option becomes the scheduler hint, which every compute API accepts, and
which counts only where nova's scheduler runs with opie.
"""

from cliff import hooks
from osc_lib import exceptions

from opie.client import answers
from opie.preemption import marks

_FIELD = 'preemptible'
_COLUMN = 'Preemptible'


class _ServerHook(hooks.CommandHook):
    """Does nothing; says what hooks on servers share."""

    def get_parser(self, parser):
        return parser

    def get_epilog(self):
        return None

    def before(self, parsed_args):
        return parsed_args

    def listen(self):
        """Collect what the API answers from now on."""
        return answers.Answers(self.cmd.app.client_manager.session.session)


class ServerShow(_ServerHook):
    """Shows the field ``preemptible``."""

    def before(self, parsed_args):
        self.answers = self.listen()
        return parsed_args

    def after(self, parsed_args, data):
        self.answers.close()
        fields = dict(zip(*data, strict=True))
        # Diagnostics are shown by the same command, without an id in them.
        if not fields.get('id'):
            return data
        fields[_FIELD] = self.value(parsed_args, fields['id'])
        return tuple(zip(*sorted(fields.items()), strict=True))

    def value(self, parsed_args, server_id):
        """Return a bool, or None when it is not known."""
        return self.answers.is_preemptible(server_id)


class ServerCreate(ServerShow):
    """Adds ``--preemptible``, and shows the field of the new server."""

    def get_parser(self, parser):
        parser.add_argument(
            '--preemptible',
            action='store_true',
            help=(
                'Create a preemptible server: the cloud may delete it at any '
                'time, without notice, to make room for a normal one (this '
                "is an alias for '--hint %s=true')" % marks.HINT
            ),
        )
        return parser

    def before(self, parsed_args):
        if parsed_args.preemptible:
            hints = {marks.HINT: ['true'], **parsed_args.hints}
            if not marks.is_marked(hints=hints):
                raise exceptions.CommandError(
                    '--preemptible contradicts --hint %s=%s; leave out one '
                    'of them.' % (marks.HINT, ','.join(hints[marks.HINT]))
                )
            parsed_args.hints = {**hints, marks.HINT: ['true']}
        return super().before(parsed_args)

    def value(self, parsed_args, server_id):
        value = super().value(parsed_args, server_id)
        if value is None and marks.is_marked(hints=parsed_args.hints):
            # An API that does not show the hint has accepted it.
            return True
        return value


class ServerList(_ServerHook):
    """Adds the column ``Preemptible``, and ``--preemptible`` to filter."""

    def get_parser(self, parser):
        parser.add_argument(
            '--preemptible',
            action='store_true',
            help=(
                'List only preemptible servers (a limit counts the others '
                'too; the column %s is shown with --long or -c %s)'
                % (_COLUMN, _COLUMN)
            ),
        )
        return parser

    def before(self, parsed_args):
        self.is_shown = parsed_args.long or any(
            column.strip().lower() == _FIELD for column in parsed_args.columns
        )
        if self.is_shown or parsed_args.preemptible:
            self.answers = self.listen()
        return parsed_args

    def after(self, parsed_args, data):
        columns, rows = data
        if self.is_shown or parsed_args.preemptible:
            rows = list(rows)
            self.answers.close()
        if parsed_args.preemptible:
            rows = self._filter(columns, rows)
        if self.is_shown:
            rows = [(*row, self._value(columns, row)) for row in rows]
            columns = (*columns, _COLUMN)
        return columns, rows

    def _value(self, columns, row):
        return self.answers.is_preemptible(row[columns.index('ID')])

    def _filter(self, columns, rows):
        """Return the rows of preemptible servers.

        :raises CommandError: if a server may be one and the API hides it.
        """
        status = columns.index('Status')
        kept, unknown = [], 0
        for row in rows:
            is_preemptible = self._value(columns, row)
            if is_preemptible:
                kept.append(row)
            # The API knows nothing of a server in a cell that is down.
            elif is_preemptible is None and row[status] != 'UNKNOWN':
                unknown += 1
        if unknown:
            raise exceptions.CommandError(
                'The API did not tell of %d of the servers whether they are '
                'preemptible. It does at --os-compute-api-version 2.100 or '
                'newer, and at any version where it runs with opie.' % unknown
            )
        return kept
