"""assay.xgboost and examples/xgboost_digits.py with the real XGBoost."""
from scripts import python

from cluster import case, main
from endures import cluster_for, end_of, example
from expect import check, equal
from experiments import end_all, submit
from result_files import check_once, result_rows, trial_folders


@case
def boosters_endure_the_deaths_of_the_head_and_of_their_executor(scene):
    """More of them than the example has: they are over in no time."""
    found = example(scene, "xgboost_digits", 100, ["test-mlogloss"])
    best = min(result["test-mlogloss"] for result in found)
    check(best < 0.3, "digits are told apart: %s" % best)


TRAIN = """
import os
import assay, assay.xgboost
import numpy, xgboost

class Fails(xgboost.callback.TrainingCallback):
    def after_iteration(self, model, epoch, evals_log):
        trial = assay.current_trial()
        if trial.config["fails"] and trial.attempt == 1 and trial.iteration == 8:
            raise ValueError("once")

def train(config):
    x = numpy.linspace(-1, 1, 64).reshape(64, 1)
    data = xgboost.DMatrix(x, (x ** 2).ravel())
    trial, report = assay.current_trial(), assay.xgboost.ReportCallback()
    made = xgboost.train({"eta": 0.1, "max_depth": 2, "nthread": 1}, data, report.rounds(20), evals=[(data, "train")],
                         xgb_model=report.model, callbacks=[report, Fails()], verbose_eval=False)
    print("left", report.rounds(20), "made", made.num_boosted_rounds())
"""


@case
def one_that_goes_on_boosts_as_if_nothing_had_been(scene):
    """To all its rounds, and, with a rule, to a verdict to stop, behind which what follows still runs."""
    scene.write("code/model.py", TRAIN)
    head, worker = cluster_for(scene)
    for name, stop, rounds in (("whole", "{}", 20), ("stopped", "{training_iteration: 12}", 12)):
        end_of(head, submit(head, scene.write(name + ".yaml", """
name: %s
run: {python: "model:train"}
code: %s
config: {fails: {grid_search: [false, true]}}
stop: %s
checkpoint_freq: 3
max_failures: 1
local_dir: %s
""" % (name, scene.path("code"), stop, scene.path("results")))))
        losses = []
        for path in trial_folders(scene.path("results", name)):
            rows = result_rows(path)
            check_once(rows, rounds, path)
            losses.append([round(row["train-rmse"], 6) for row in rows])
            with open(path + "/stdout", encoding="utf-8") as said:
                words = said.read().split()
            left = 20 if not rows[0]["config"]["fails"] else int(words[1])
            check(words[1:] == [str(left), "made", str(rounds)] and left in (20, 17, 14), "what is behind: %s" % words)
            check((left < 20) == rows[0]["config"]["fails"], "it went on from a checkpoint: %s" % words)
        equal(losses[0], losses[1], "losses")
    end_all(scene, head, [worker])


BY_HAND = """
import os
import assay, assay.xgboost
import numpy, xgboost
data = xgboost.DMatrix(numpy.linspace(-1, 1, 64).reshape(64, 1), numpy.linspace(-1, 1, 64))

def boost(**keys):
    report = assay.xgboost.ReportCallback()
    return xgboost.train({}, data, report.rounds(5), callbacks=[report], verbose_eval=False, **keys), report

model, report = boost()
assay.library.write(report._saver(model))
os.environ["ASSAY_RESTORE"] = os.path.abspath(os.path.join("checkpoints", os.listdir("checkpoints")[0]))
for wrong in (boost, lambda: os.remove(os.path.join(os.environ["ASSAY_RESTORE"], "model.ubj")) or boost()):
    try:
        wrong()
    except assay.UsageError as error:
        print(str(error).replace("\\n", " / "))
"""


@case
def another_booster_than_the_checkpoints_is_refused(scene):
    lines = [line for line in python(scene, scene.write("by_hand.py", BY_HAND)).splitlines()
             if not line.startswith("assay: ")]
    check(len(lines) == 2 and lines[0].startswith("train: the booster has 0 rounds, and that of the checkpoint 5 / ")
          and "xgb_model=" in lines[0] and lines[1].startswith("checkpoint: it is none of ReportCallback's: "),
          "what is wrong: %s" % lines)


if __name__ == "__main__":
    main()
