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

"""The documents of a stand-in, kept while its process is away.

They are read from memory, and each change goes into a file too.
"""

import json
import sqlite3


class Store:
    """Documents by the kind and the id of each.

    :param path: of the file, which need not exist; ``:memory:`` for none.
    """

    def __init__(self, path):
        # One request at a time uses it, each in another thread maybe.
        self._file = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False
        )
        # What is lost with the machine is a cloud to try things on.
        self._file.execute('PRAGMA synchronous = OFF')
        self._file.execute(
            'CREATE TABLE IF NOT EXISTS documents '
            '(kind TEXT, id TEXT, document TEXT, PRIMARY KEY (kind, id))'
        )
        self._kinds = {}
        for kind, uuid, text in self._file.execute(
            'SELECT kind, id, document FROM documents ORDER BY rowid'
        ):
            self._kinds.setdefault(kind, {})[uuid] = json.loads(text)

    def all(self, kind):
        """Return the documents of a kind, the oldest first."""
        return list(self._kinds.get(kind, {}).values())

    def get(self, kind, uuid):
        """Return a document, None if there is none."""
        return self._kinds.get(kind, {}).get(uuid)

    def put(self, kind, document):
        """Keep a document, in the place of the one with its id."""
        self._kinds.setdefault(kind, {})[document['id']] = document
        # An update leaves the row, and so the document, in its place.
        self._file.execute(
            'INSERT INTO documents VALUES (?, ?, ?) '
            'ON CONFLICT DO UPDATE SET document = excluded.document',
            (kind, document['id'], json.dumps(document)),
        )

    def remove(self, kind, uuid):
        """Forget a document."""
        del self._kinds[kind][uuid]
        self._file.execute(
            'DELETE FROM documents WHERE kind = ? AND id = ?', (kind, uuid)
        )
