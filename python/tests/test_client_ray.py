"""Ray Tune's names: what a script says becomes an experiment."""

import os
import random
import subprocess
import sys
import unittest
from unittest import mock

from client_rig import PYTHON

import assay
import assay.ray
import assay.tensorboard
from assay.ray import tune
from assay.ray.tune import schedulers
from assay.ray.tune.experiment import Experiment, convert
from assay.ray.tune.logger import CSVLogger, JsonLogger, Loggers
from assay.ray.tune.suggest.variant_generator import generate_variants


class Model(tune.Trainable):
    def _train(self):
        return {"x": 1}


class Ray(unittest.TestCase):
    def test_installed_it_is_ray(self):
        code = (
            "import assay.ray; assay.ray.install()\n"
            "import ray, ray.tune.schedulers\n"
            "from ray import tune\n"
            "from ray.tune import run, Trainable\n"
            "from ray.tune.suggest import variant_generator\n"
            "from ray.tune.schedulers import AsyncHyperBandScheduler\n"
            "import assay, assay.ray.tune as ours\n"
            "assert ray is assay.ray and tune is ours and ray.tune is ours\n"
            "assert Trainable is assay.Trainable\n"
            "try:\n    import ray.rllib\nexcept ModuleNotFoundError as error: print(error)\n"
            "try:\n    ray.remote\nexcept assay.AssayError as error: print(error)\n"
        )
        env = {**os.environ, "PYTHONPATH": PYTHON}
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, encoding="utf-8", env=env
        )
        assert done.returncode == 0, done.stderr
        assert "a trainable of your own" in done.stdout and "make it a trainable" in done.stdout

    def test_the_defaults_are_tunes(self):
        keys = Experiment(None, Model, config={"a": 1}).keys()
        assert keys["name"] == "Model" and keys["trial_name"] == "Model_{tag}"
        assert keys["num_samples"] == 1 and keys["max_failures"] == 0
        assert keys["local_dir"].endswith("ray_results") and "~" not in keys["local_dir"]
        assert Experiment(None, Model, checkpoint_freq=2).keys()["max_failures"] == 3
        assert (
            Experiment(None, Model, config={"env": "a/b"}).keys()["trial_name"] == "Model_a_b_{tag}"
        )

    def test_names_of_ones_own(self):
        creator = tune.function(
            lambda trial: "{}_{}_123".format(trial.trainable_name, trial.trial_id)
        )
        assert (
            Experiment("e", Model, trial_name_creator=creator).keys()["trial_name"]
            == "Model_{id}_123"
        )
        with self.assertRaisesRegex(assay.UsageError, "trial.config"):
            Experiment("e", Model, trial_name_creator=lambda trial: str(trial.config)).keys()

    def test_resources_are_of_the_class_if_nothing_is_said(self):
        class Big(Model):
            @classmethod
            def default_resource_request(cls, config):
                return tune.Resources(cpu=1, gpu=0, extra_cpu=config["n"])

        assert Experiment("e", Big, config={"n": 2}).keys()["resources_per_trial"]["cpu"] == 3
        given = Experiment("e", Big, resources_per_trial={"cpu": 4}).keys()
        assert given["resources_per_trial"] == {"cpu": 4, "gpu": 0}
        with self.assertRaisesRegex(tune.TuneError, "hi"):
            Experiment("e", Model, resources_per_trial={"hi": 1}).keys()

    def test_what_cannot_be_is_a_tune_error_with_the_mend(self):
        for call, says in [
            (lambda: convert({"e": {}}), "no trainable"),
            (lambda: convert({"e": {"run": "nobody"}}), "nobody"),
            (lambda: convert("e"), "experiments"),
            (lambda: Experiment("e", Model, wrong=1), "wrong"),
            (lambda: Experiment("e", {"grid_search": [1]}), "run"),
            (lambda: Experiment("e", Model, upload_dir="s3://x"), "upload_dir"),
            (lambda: Experiment("e", Model, stop=lambda result: True).keys(), "stop"),
            (lambda: tune.run(Model, scheduler="asha"), "scheduler"),
            (lambda: tune.run(Model, resume=True), "resume"),
            (lambda: tune.run(Model, with_server=True), "with_server"),
            (lambda: tune.run(Model, config={"a": object()}), "config.a"),
        ]:
            with self.subTest(what=repr(call)):
                with self.assertRaisesRegex(tune.TuneError, says) as caught:
                    call()
                assert caught.exception.mend

    def test_only_trainables_are_registered(self):
        for what in [7, dict, Model()]:
            with self.subTest(what=repr(what)):
                with self.assertRaises(TypeError):
                    tune.register_trainable("x", what)

    def test_own_schedulers_and_searchers_that_are_not_there_are_told_the_way(self):
        class Mine(schedulers.TrialScheduler):
            pass

        with self.assertRaises(assay.UsageError) as caught:
            tune.run(Model, scheduler=Mine())
        assert "assay" in caught.exception.mend.lower()
        with self.assertRaises(assay.UsageError) as caught:
            tune.suggest.HyperOptSearch  # noqa: B018
        assert "assay" in caught.exception.mend.lower()

    def test_reward_attr_is_tune_0_7_and_metric_is_tune_2(self):
        old = schedulers.AsyncHyperBandScheduler(reward_attr="r", max_t=100, grace_period=5)
        assert old.section(None, None) == {
            "type": "async_hyperband", "reward_attr": "r", "time_attr": "training_iteration",
            "max_t": 100, "grace_period": 5, "reduction_factor": 4, "brackets": 1,
        }  # fmt: skip
        assert schedulers.AsyncHyperBandScheduler().section(None, None)["grace_period"] == 10
        new = schedulers.ASHAScheduler(max_t=9).section("loss", "min")
        assert new == {"type": "async_hyperband", "metric": "loss", "mode": "min", "max_t": 9,
                       "time_attr": "training_iteration"}  # fmt: skip

    def test_functions_of_mutations_become_domains(self):
        before = random.uniform
        pbt = schedulers.PopulationBasedTraining(
            reward_attr="r",
            hyperparam_mutations={"lr": lambda: random.uniform(0.1, 0.2), "n": [1, 2]},
        )
        assert pbt.keys["hyperparam_mutations"] == {"lr": assay.uniform(0.1, 0.2), "n": [1, 2]}
        assert random.uniform is before
        for bad in (lambda: random.uniform(0, 1) and 3, lambda: 7):
            with self.assertRaisesRegex(assay.UsageError, "hyperparam_mutations.lr"):
                schedulers.PopulationBasedTraining(hyperparam_mutations={"lr": bad})

    def test_variants_as_tune_makes_them(self):
        spec = {"run": "x", "config": {
            "bar": tune.grid_search([True, False]), "foo": tune.grid_search([1, 2]),
            "baz": {"eval": "2 + 2"}, "lr": tune.sample_from(lambda spec: 1 / 3)}}  # fmt: skip
        variants = list(generate_variants(spec))
        assert [tag for tag, _ in variants][:2] == [
            "bar=True,baz=4,foo=1,lr=0.33333", "bar=False,baz=4,foo=1,lr=0.33333"]  # fmt: skip
        assert len(variants) == 4 and variants[0][1]["config"]["baz"] == 4

    def test_loggers_are_a_trials_own_and_in_order(self):
        heard = []

        class Mine(tune.logger.Logger):
            def _init(self):
                heard.append(("init", self.config["a"]))

            def on_result(self, result):
                heard.append((self.config["a"], result["n"]))

            def update_config(self, config):
                heard.append(("config", config["a"]))

            def close(self):
                heard.append(("close", self.config["a"]))

        def trial(number):
            row = dict.fromkeys(("trial", "status", "config", "last_result", "started_ms", "ended_ms",
                                 *assay.analysis.FIELDS))  # fmt: skip
            return assay.TrialResult({**row, "trial": number, "folder": "/t"})

        loggers = Loggers([JsonLogger, Mine])
        loggers.on_result(trial(0), {"n": 1, "config": {"a": 1}})
        loggers.on_result(trial(1), {"n": 1, "config": {"a": 2}})
        loggers.on_result(trial(0), {"n": 2, "config": {"a": 3}})
        loggers.on_trial_complete(trial(0))
        assert heard == [
            ("init", 1),
            (1, 1),
            ("init", 2),
            (2, 1),
            ("config", 3),
            (3, 2),
            ("close", 3),
        ]
        assert tune.logger.files([CSVLogger]) == ["result", "progress"]
        assert tune.logger.files(None) is None

    def test_event_files_without_their_package_are_refused_at_once(self):
        with mock.patch.dict(sys.modules, {"tensorboard": None}):
            for call, kind in [
                (lambda: assay.tensorboard.TensorBoard(), assay.UsageError),
                (lambda: Loggers([JsonLogger, tune.logger.TBXLogger]), assay.UsageError),
                (
                    lambda: tune.run(Model, loggers=[tune.logger.TFLogger], verbose=0),
                    tune.TuneError,
                ),
            ]:
                with self.subTest(what=repr(call)):
                    with self.assertRaisesRegex(kind, "^tensorboard: .*package") as caught:
                        call()
                    assert caught.exception.mend == "pip install tensorboard"

    def test_init_twice_is_an_error_until_shutdown(self):
        tune_state = assay.ray.state
        assay.ray.init(num_cpus=2)
        try:
            assert tune_state.cpus == 2 and assay.ray.is_initialized()
            with self.assertRaises(assay.UsageError):
                assay.ray.init()
            assay.ray.init(redis_address="h:7420", ignore_reinit_error=True)
            assert tune_state.address == "h:7420"
        finally:
            assay.ray.shutdown()
        with self.assertRaisesRegex(assay.UsageError, "num_cpu"):
            assay.ray.init(redis_address="h:7420", num_cpus=2)
        with self.assertRaisesRegex(assay.UsageError, "num_gpu5"):
            assay.ray.init(num_gpu5=1)
        assert not assay.ray.is_initialized()


if __name__ == "__main__":
    unittest.main()
