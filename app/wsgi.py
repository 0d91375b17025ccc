"""What a WSGI server loads: `app.wsgi:application`."""

import gc
import multiprocessing
import os
import signal
import threading

from app import create_app
from app.faults import open_faults
from app.log import set_up_logging
from app.setting_watch import LogFormat
from app.settings import Settings
from app.wiring import open_house


def _end_with_parent() -> None:
    """Stop when the process that started this one is gone, even by `kill -9`.

    It would keep the port, and answer beside the next release with the code of this one. Under a
    server that does not start its processes through multiprocessing there is nothing to watch.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


threading.Thread(target=_end_with_parent, name="cadans-parent", daemon=True).start()
settings = Settings.from_env()
set_up_logging(is_json=settings.log is LogFormat.JSON, report=open_faults(settings.sentry_dsn))
application = create_app(settings, open_house(settings, is_counting=True))
# What stands here for good the collector need not look at again.
gc.freeze()
