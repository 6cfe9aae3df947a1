"""Tests on real nova and real placement, in one process."""

import logging

# NOTE: chooses nova's threading model, and must come before anything that
# imports eventlet (nova/monkey_patch.py).
import nova.tests.functional.integrated_helpers  # noqa: F401

from opie.tests import databases
from opie.tests import garbage
from opie.tests import threads

# The log lines of every shutdown would hide the results.
logging.getLogger('nova.thread_pool_factory').setLevel(logging.WARNING)

databases.share()
garbage.collect_seldom()
threads.start_few()
threads.keep_apart()
