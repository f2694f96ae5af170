"""The curve of the quickstart in Python, once as a class and once as a function.

    assay run examples/python.yaml
    assay run examples/python.yaml --set run.python=curves:curve
"""
import json
import math

import assay


class Curve(assay.Trainable):
    """It rises to `height`, the later the larger `width` is, and goes on until it is stopped."""

    def setup(self, config):
        self.width = config["width"]
        self.height = config["height"]
        self.timestep = 0

    def step(self):
        self.timestep += 1
        return {"episode_reward_mean": math.tanh(self.timestep / self.width) * self.height}

    def save_checkpoint(self, folder):
        return {"timestep": self.timestep}

    def load_checkpoint(self, saved):
        self.timestep = saved["timestep"]


def curve(config):
    """The same. `assay.report` ends the function when the trial is to end."""
    timestep = 0
    saved = assay.get_checkpoint()
    if saved is not None:
        timestep = json.loads((saved / "timestep.json").read_text())
    while True:
        timestep += 1
        value = math.tanh(timestep / config["width"]) * config["height"]
        assay.report(episode_reward_mean=value)
        if assay.should_checkpoint():
            with assay.checkpoint() as folder:
                (folder / "timestep.json").write_text(json.dumps(timestep))
