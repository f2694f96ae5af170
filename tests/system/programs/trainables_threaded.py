"""A module that nobody may fork once it is imported."""
import os
import threading

import assay

IMPORTED_BY = os.getpid()

threading.Thread(target=threading.Event().wait, name="waiter", daemon=True).start()


def train(config):
    assay.report(forked=os.getpid() != IMPORTED_BY, threads=threading.active_count())
