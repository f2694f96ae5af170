"""Search algorithms of a user's own: what they are asked and told, with no head."""

import unittest

import client_rig  # noqa: F401

import assay
from assay.ray import tune
from assay.ray.tune import automl
from assay.ray.tune.config_parser import create_trial_from_spec
from assay.ray.tune.experiment import Experiment
from assay.ray.tune.suggest import (
    ConcurrencyLimiter,
    SearchAlgorithm,
    Searcher,
    SuggestionAlgorithm,
)
from assay.ray.tune.suggest.of_searcher import OfSearcher
from assay.ray.tune.suggest.outside import Outside


class Model(tune.Trainable):
    def _train(self):
        return {"x": 1}


class Listed(SuggestionAlgorithm):
    def __init__(self, answers):
        self.answers, self.asked, self.told = list(answers), [], []

    def _suggest(self, trial_id):
        self.asked.append(trial_id)
        return self.answers.pop(0)

    def on_trial_result(self, trial_id, result):
        self.told.append(("result", trial_id, result["n"]))

    def on_trial_complete(self, trial_id, result=None, error=False, early_terminated=False):
        self.told.append(("complete", trial_id, result and result["n"], error, early_terminated))


def trial(number, state="TERMINATED", reason="completed"):
    fields = ("trial", "status", "config", "last_result", "started_ms", "ended_ms")
    row = dict.fromkeys((*fields, *assay.analysis.FIELDS))
    return assay.TrialResult({**row, "trial": number, "state": state, "reason": reason})


class Searching(unittest.TestCase):
    def test_none_is_not_now_and_the_same_trial_is_asked_for_again(self):
        one = Listed([None, None, {"a": 1}, {"a": 2}])
        outside = Outside(one, Experiment("e", Model, num_samples=2))
        assert outside.suggest() is None and outside.suggest() is None
        assert outside.suggest() == {"a": 1}
        assert outside.suggest() == {"a": 1}, "until it is taken"
        assert len(set(one.asked)) == 1 and len(one.asked) == 3
        outside.taken(0)
        assert outside.suggest() == {"a": 2} and one.asked[3] != one.asked[0]
        outside.taken(1)
        assert outside.suggest() is None, "it is asked no more than num_samples times"
        assert one.is_finished() and not outside.is_over()

    def test_results_are_told_in_order_and_the_last_with_the_end(self):
        one = Listed([{"a": 1}, {"a": 2}, {"a": 3}])
        outside = Outside(one, Experiment("e", Model, num_samples=3, stop={"n": 9}))
        for number in range(3):
            outside.suggest()
            outside.taken(number)
        a, b, c = one.asked
        outside.on_result(trial(7), {"n": 0})  # somebody else's
        outside.on_result(trial(0), {"n": 1})
        outside.on_result(trial(1), {"n": 5, "done": True})
        outside.on_result(trial(0), {"n": 2, "done": False})
        outside.on_trial_complete(trial(0))
        outside.on_trial_complete(trial(0))
        outside.on_trial_complete(trial(1, reason="stopped"))
        outside.on_result(trial(2), {"n": 9, "done": True})
        outside.on_trial_complete(trial(2, reason="stopped"))
        assert one.told == [
            ("result", a, 1), ("result", a, 2), ("complete", a, 2, False, False),
            ("complete", b, 5, False, True), ("complete", c, 9, False, False)]  # fmt: skip
        assert outside.is_over()

    def test_one_that_fails_is_told_without_a_result(self):
        one = Listed([{"a": 1}])
        outside = Outside(one, Experiment("e", Model))
        outside.suggest()
        outside.taken(0)
        outside.on_result(trial(0), {"n": 1, "done": True})
        outside.on_result(trial(0), {"n": 2, "done": True})
        outside.on_trial_error(trial(0, "ERROR", "exit"))
        (who,) = one.asked
        assert one.told == [("result", who, 1), ("complete", who, None, True, False)]

    def test_one_that_is_over_before_it_is_known_whose_it_is_is_told(self):
        one = Listed([{"a": 1}, {"a": 2}])
        outside = Outside(one, Experiment("e", Model, num_samples=2))
        outside.suggest()
        for number in (0, 1):  # one of them is somebody else's
            outside.on_result(trial(number), {"n": number})
            outside.on_trial_complete(trial(number))
        assert one.told == []
        outside.taken(1)
        (who,) = one.asked
        assert one.told == [("result", who, 1), ("complete", who, 1, False, False)]
        outside.suggest()
        outside.taken(0)
        assert len(one.told) == 2, "what was heard of another one before is not told of this one"

    def test_what_it_is_in_an_experiment_file(self):
        assert Listed([]).keys()["search"] == {
            "type": "external", "open": True, "timeout": "never"}  # fmt: skip
        hurried = Listed([])
        hurried.patience = "5s"
        assert hurried.keys()["search"]["timeout"] == "5s"

    def test_a_grid_beside_it_and_trials_of_other_kinds_are_errors(self):
        grid = Experiment("e", Model, config={"a": {"b": tune.grid_search([1])}})
        with self.assertRaisesRegex(tune.TuneError, "config.a.b"):
            Outside(Listed([]), grid)

        class Batch(SearchAlgorithm):
            def __init__(self, trial):
                self.trial = trial

            def add_configurations(self, experiments):
                self.experiment = experiments[0]

            def next_trials(self):
                return [self.trial]

        spec = {"num_samples": 1, "config": {"a": 1}}
        good = Outside(Batch(create_trial_from_spec(spec, "e")), Experiment("e", Model, **spec))
        assert good.suggest() == {"a": 1}
        other = create_trial_from_spec({**spec, "stop": {"n": 1}}, "e")
        for bad, says in [(other, "stop of its own"), ({"a": 1}, "no trial")]:
            with self.assertRaisesRegex(tune.TuneError, says):
                Outside(Batch(bad), Experiment("e", Model, **spec)).suggest()

    def test_a_limiter_lets_so_many_run(self):
        class Counts(Searcher):
            def __init__(self):
                super().__init__()
                self.count, self.told = 0, []

            def suggest(self, trial_id):
                self.count += 1
                return {"a": self.count} if self.count < 6 else Searcher.FINISHED

            def on_trial_complete(self, trial_id, result=None, error=False):
                self.told.append((trial_id, result, error))

        for batch in (False, True):
            with self.subTest(batch=batch):
                counts = Counts()
                limiter = ConcurrencyLimiter(counts, 2, batch=batch)
                assert limiter.suggest("a") == {"a": 1} and limiter.suggest("b") == {"a": 2}
                assert limiter.suggest("c") is None
                limiter.on_trial_complete("b", result={"n": 1})
                assert counts.told == ([] if batch else [("b", {"n": 1}, False)])
                assert limiter.suggest("c") == (None if batch else {"a": 3})
                limiter.on_trial_complete("a", error=True)
                assert counts.told == [("b", {"n": 1}, False), ("a", None, True)]
        with self.assertRaisesRegex(assay.UsageError, "max_concurrent"):
            ConcurrencyLimiter(counts, 0)
        with self.assertRaisesRegex(assay.UsageError, "mode"):
            Searcher(mode="up")

    def test_a_searcher_is_told_what_is_searched_and_says_when_it_is_over(self):
        class Ends(Searcher):
            def set_search_properties(self, metric, mode, config, **spec):
                self.told = metric, mode, config, spec["num_samples"]
                return True

            def suggest(self, trial_id):
                return Searcher.FINISHED

        ends = Ends()
        outside = Outside(
            OfSearcher(ends, "m", "min"), Experiment("e", Model, num_samples=3, config={"a": 1})
        )
        assert ends.told == ("m", "min", {"a": 1}, 3)
        assert not outside.is_over()
        assert outside.suggest() is None and outside.is_over()

    def test_generations_are_of_the_best_of_the_one_before(self):
        space = automl.SearchSpace({automl.DiscreteSpace(name, range(50)) for name in "cab"})
        search = automl.GeneticSearch(
            space, "r", max_generation=2, population_size=20, keep_top_ratio=0.1
        )
        outside = Outside(search, Experiment("e", Model))
        first = []
        for number in range(20):
            config = outside.suggest()
            outside.taken(number)
            first.append(config)
            assert list(config) == ["a", "b", "c"]
        assert outside.suggest() is None, "a generation waits for the one before"
        for number in range(20):
            if number == 7:
                outside.on_trial_error(trial(7, "ERROR", "exit"))
                continue
            outside.on_result(trial(number), {"r": float("nan") if number == 5 else -number})
            outside.on_trial_complete(trial(number))
        parents = first[:2]
        values = {name: {parent[name] for parent in parents} for name in "abc"}
        second = []
        while len(second) < 19:
            second.append(outside.suggest())
            outside.taken(20 + len(second))
        assert second[:2] == parents and outside.suggest() is None
        for config in second:
            others = [name for name in "abc" if config[name] not in values[name]]
            assert len(others) <= 1, "one value is drawn anew at most"
        assert any(config not in parents for config in second)
        assert search.get_best_trial().best_result == {"r": 0}
        for number in range(21, 40):
            outside.on_trial_complete(trial(number))
        assert outside.is_over()

    def test_grids_and_draws_by_the_round(self):
        space = automl.SearchSpace(
            [automl.ContinuousSpace("n.x", 0, 1, 3), automl.DiscreteSpace("y", "ab")]
        )
        grid = automl.GridSearch(space, "r")
        grid.add_configurations([Experiment("e", Model)])
        made = [one.config for one in grid.next_trials()]
        assert made == [{"n": {"x": x}, "y": y} for x in (0.0, 0.5, 1.0) for y in "ab"]
        drawn = automl.RandomSearch(space, "r", 7)
        drawn.add_configurations([Experiment("e", Model)])
        made = [one.config for one in drawn.next_trials()]
        assert len(made) == 7 and all(0 <= one["n"]["x"] <= 1 for one in made)
        assert len({one["n"]["x"] for one in made}) == 7
        for bad in (
            lambda: automl.DiscreteSpace("a", []),
            lambda: automl.SearchSpace([]),
            lambda: automl.ContinuousSpace("a", 0, 1, 3, "log"),
        ):
            with self.assertRaises(assay.UsageError):
                bad()


if __name__ == "__main__":
    unittest.main()
