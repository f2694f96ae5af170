"""A module that needs another one, which is nowhere."""
import no_such_library_anywhere  # noqa: F401


def train(config):
    return None
