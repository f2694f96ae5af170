"""What is tried: domains, grids and functions, and the experiment that they make."""

import math
import random
import unittest

from client_rig import needs

import assay
from assay import experiment, schedulers
from assay.variants import generate


def build(**keys):
    return experiment.build({"command": "true"}, keys)


class Space(unittest.TestCase):
    def test_domains_are_markers_anywhere(self):
        spec = build(
            config={"lr": assay.loguniform(1e-4, 0.1), "net": {"act": assay.choice(["a", "b"])}}
        )
        assert spec["config"] == {
            "lr": {"loguniform": [1e-4, 0.1]},
            "net": {"act": {"choice": ["a", "b"]}},
        }

    def test_functions_see_the_others_whatever_their_order(self):
        config = {
            "b": assay.sample_from(lambda spec: spec.config.a + 1),
            "a": assay.grid_search([1, 2]),
        }
        points = [whole["config"] for _, whole in generate({"config": config}, random.Random(1))]
        assert points == [{"b": 2, "a": 1}, {"b": 3, "a": 2}]

    def test_the_first_grid_is_the_fastest(self):
        config = {"foo": assay.grid_search([1, 2, 3]), "bar": assay.grid_search([True, False])}
        points = [whole["config"] for _, whole in generate({"config": config}, random.Random(1))]
        assert [(p["bar"], p["foo"]) for p in points] == [
            (True, 1), (False, 1), (True, 2), (False, 2), (True, 3), (False, 3)]  # fmt: skip

    def test_a_value_may_be_a_marker_itself(self):
        config = {"a": assay.grid_search([assay.grid_search([1, 2]), 3])}
        points = [
            whole["config"]["a"] for _, whole in generate({"config": config}, random.Random(1))
        ]
        assert points == [1, 2, 3]

    def test_functions_become_points_whose_tags_say_them(self):
        spec = build(
            config={"a": assay.sample_from(lambda spec: 7), "k": "x"}, num_samples=3, seed=1
        )
        assert spec["config"] == {"k": "x", "a": {"choice": [7]}}
        assert spec["points_to_evaluate"] == [{"a": 7}] * 3
        assert spec["num_samples"] == 3

    def test_true_and_one_are_two_values(self):
        values = iter([1, True])
        spec = build(config={"a": assay.sample_from(lambda spec: next(values))}, num_samples=2)
        assert [type(v) for v in spec["config"]["a"]["choice"]] == [int, bool]

    def test_many_trials_of_functions_are_a_list(self):
        spec = build(config={"a": assay.sample_from(lambda spec: 1)}, num_samples=1001)
        assert spec["search"]["type"] == "list" and len(spec["search"]["points"]) == 1001
        assert spec["num_samples"] == 1

    def test_the_same_seed_draws_the_same_and_disturbs_nobody(self):
        def points():
            config = {
                "a": assay.sample_from(lambda spec: random.random()),
                "b": assay.uniform(0, 1),
            }
            return build(config=config, num_samples=5, seed=3)["points_to_evaluate"]

        random.seed(9)
        before = random.getstate()
        assert points() == points()
        assert random.getstate() == before

    def test_numpy_becomes_plain(self):
        numpy = needs(self, "numpy")
        spec = build(config={"a": numpy.float32(0.5), "b": numpy.arange(3), "c": numpy.int64(4)})
        assert spec["config"] == {"a": 0.5, "b": [0, 1, 2], "c": 4}

    def test_what_cannot_be_is_refused_with_its_place(self):
        for config, place in [
            ({"net": {"x": object()}}, "config.net.x"),
            ({"f": len}, "config.f"),
            ({"n": math.nan}, "config.n"),
            ({1: 2}, "config"),
            ([1], "config"),
            ({"a": assay.sample_from(lambda spec: spec.config.a)}, "config.a"),
            ({"a": assay.sample_from(lambda spec: 1 / 0)}, "config.a"),
            ({"a": assay.sample_from(lambda spec: 1), "g": {"grid_search": []}}, "config.g"),
        ]:
            with self.subTest(what=repr(config)):
                with self.assertRaises(assay.UsageError) as caught:
                    build(config=config)
                assert caught.exception.what == place and caught.exception.mend

    def test_functions_do_not_go_with_a_search_that_learns(self):
        with self.assertRaisesRegex(assay.UsageError, "tpe"):
            build(config={"a": assay.sample_from(lambda spec: 1)}, search="tpe")

    def test_schedulers_are_sections(self):
        spec = build(scheduler=schedulers.ASHA(max_t=81, metric="loss", mode="min"))
        assert spec["scheduler"] == {
            "type": "async_hyperband", "metric": "loss", "mode": "min", "max_t": 81}  # fmt: skip
        pbt = schedulers.PBT(hyperparam_mutations={"lr": assay.uniform(0, 1), "n": [1, 2]})
        assert build(scheduler=pbt)["scheduler"]["hyperparam_mutations"] == {
            "lr": {"uniform": [0, 1]}, "n": [1, 2]}  # fmt: skip
        with self.assertRaisesRegex(assay.UsageError, "hyperparam_mutations.lr"):
            build(scheduler=schedulers.PBT(hyperparam_mutations={"lr": lambda: 1}))

    def test_draws_stay_in_their_bounds(self):
        for kind in ["uniform", "loguniform", "randint", "lograndint"]:
            with self.subTest(what=repr(kind)):
                domain = getattr(assay, kind)(1, 10)
                rng = random.Random(1)
                draws = [domain.sample(rng) for _ in range(1000)]
                assert all(1 <= d < 10 for d in draws) and len(set(draws)) >= 9


if __name__ == "__main__":
    unittest.main()
