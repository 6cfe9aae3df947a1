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

"""Keeps the services' log in memory instead of showing it on the terminal."""

import contextlib
import logging

import fixtures


class LogFixture(fixtures.Fixture):
    """Keeps the records that any logger makes at INFO or above."""

    def __init__(self):
        self._handler = _Keeper()

    def _setUp(self):
        root = logging.getLogger()
        self.addCleanup(_set_up_root, root.level, root.handlers[:])
        _set_up_root(logging.INFO, [self._handler])
        # Warnings of libraries are no part of a story either.
        logging.captureWarnings(True)
        self.addCleanup(logging.captureWarnings, False)

    @contextlib.contextmanager
    def stopped_by_exceptions(self):
        """Keep no more after an exception, so that its cause comes last."""
        try:
            yield
        except BaseException:
            self._handler.setLevel(logging.CRITICAL + 1)
            raise

    def messages(self, prefix):
        """Return what loggers said whose names begin with a prefix."""
        return [
            record.getMessage()
            for record in self._handler.records
            if record.name.startswith(prefix)
        ]

    def tail(self, count):
        """Return the last lines of the whole log."""
        text = '\n'.join(map(self._handler.format, self._handler.records))
        return text.splitlines()[-count:]


class _Keeper(logging.Handler):
    def __init__(self):
        super().__init__()
        self.setFormatter(
            logging.Formatter('%(levelname)s [%(name)s] %(message)s')
        )
        self.records = []

    def emit(self, record):
        self.records.append(record)


def _set_up_root(level, handlers):
    root = logging.getLogger()
    root.setLevel(level)
    root.handlers[:] = handlers
