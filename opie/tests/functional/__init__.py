"""Tests on real nova and real placement, in one process."""

# NOTE: chooses nova's threading model, and must come before anything that
# imports eventlet (nova/monkey_patch.py).
import nova.tests.functional.integrated_helpers  # noqa: F401
