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

"""Text and tables for a terminal of 80 columns."""

import json
import textwrap

import prettytable

_WIDTH = 78
_INDENT = 2 * ' '
# textwrap takes it for a letter.
_UNBROKEN_SPACE = '\N{NO-BREAK SPACE}'


class Narrator:
    """Writes to a text stream, each piece at once."""

    def __init__(self, stream):
        self._stream = stream

    def title(self, text):
        self._write(text)
        self._write(self._drawn('─', '-') * len(text))

    def say(self, text):
        """Write a paragraph, and an empty line before it."""
        self._write('')
        self._write(textwrap.fill(text, _WIDTH))

    def note(self, text):
        """Write an indented line, broken where it is too long."""
        lines = textwrap.fill(
            text,
            _WIDTH,
            initial_indent=_INDENT,
            subsequent_indent=2 * _INDENT,
            break_long_words=False,
            break_on_hyphens=False,
        )
        self._write(lines.replace(_UNBROKEN_SPACE, ' '))

    def exchange(self, response):
        """Show an HTTP request, as it was sent, and what answered it."""
        request = response.request
        self.note('%s %s' % (request.method, request.url))
        self.note(_unbroken_members(json.loads(request.body)))
        self.note('-> %s %s' % (response.status_code, response.reason))

    def table(self, columns, groups):
        """Write a table, with a line between groups of rows.

        :param columns: headings; numbers below one of them go to the right.
        :param groups: lists of rows, none of them empty.
        """
        table = prettytable.PrettyTable(columns)
        if self._drawn('│', ''):
            table.set_style(prettytable.TableStyle.SINGLE_BORDER)
        for rows in groups:
            table.add_rows(rows, divider=True)
        table.align = 'l'
        for name, cell in zip(columns, groups[0][0], strict=True):
            if isinstance(cell, int):
                table.align[name] = 'r'
        self._write(textwrap.indent(table.get_string(), _INDENT))

    def _drawn(self, text, otherwise):
        """Return a text, or another where the stream cannot encode it."""
        try:
            text.encode(self._stream.encoding or 'ascii')
        except UnicodeEncodeError:
            return otherwise
        return text

    def _write(self, text):
        print(text, file=self._stream, flush=True)


def _unbroken_members(body):
    """Return JSON in which no line may end between a name and its value."""
    return json.dumps(body, separators=(', ', ':' + _UNBROKEN_SPACE))
