"""A trainable whose process may be handed the next trial, and that says which one it is."""
import os
import time

import assay


class Reused(assay.Trainable):
    def setup(self, config):
        self.count = self.begun_at = self.resets = 0
        print("made for", self.trial_id)

    def step(self):
        self.count += 1
        if self.count == self.config.get("crash_at") and assay.current_trial().attempt == 1:
            raise RuntimeError("as it was asked to")
        print("step", self.count, "of", self.trial_id)
        time.sleep(self.config.get("pace", 0))
        return {"count": self.count, "pid": os.getpid(), "n": self.config.get("n", 0),
                "begun_at": self.begun_at, "resets": self.resets, "id": self.trial_id}

    def reset_config(self, new_config):
        self.count = self.begun_at = 0
        self.resets += 1
        return not new_config.get("declines")

    def save_checkpoint(self, folder):
        return {"count": self.count}

    def load_checkpoint(self, saved):
        self.count = self.begun_at = saved["count"]


def function(config):
    for count in range(1, 4):
        assay.report(count=count, pid=os.getpid(), n=config["n"], id=assay.current_trial().id)
