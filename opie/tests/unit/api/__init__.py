# NOTE: sets up the threading model before anything imports eventlet.
import nova.cmd.scheduler  # noqa: F401
