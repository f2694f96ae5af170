"""assay.keras and examples/keras_digits.py with the real Keras, on JAX."""
import os

from scripts import python

from cluster import case, main
from endures import LIMIT_S, cluster_for, end_of, example
from expect import check, equal, wait_for
from experiments import end_all, submit, trials
from processes import read_text
from result_files import check_once, count_rows, result_rows, trial_folders


@case
def twenty_networks_endure_the_deaths_of_the_head_and_of_their_executor(scene):
    found = example(scene, "keras_digits", 20, ["loss", "accuracy", "val_loss", "val_accuracy"])
    best = max(result["val_accuracy"] for result in found)
    check(best > 0.95, "digits are learned: %s" % best)


TRAIN = """
import os
import assay, assay.keras

def train(config):
    import keras, numpy
    keras.utils.set_random_seed(7)
    x = numpy.linspace(-1, 1, 64).reshape(64, 1)
    model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(8, "tanh"), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.05), "mse")
    trial = assay.current_trial()

    class Fails(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if config["fails"] and trial.attempt == 1 and epoch == 7:
                raise ValueError("once")

    report = assay.keras.ReportCallback()
    open(os.path.join(%r, "%%s.%%d.begins" %% (config["fails"], trial.attempt)), "w").write(str(report.initial_epoch))
    fitted = model.fit(x, x ** 2, batch_size=16, shuffle=False, epochs=1000, initial_epoch=report.initial_epoch,
                       callbacks=[report, Fails()], verbose=0)
    open(os.path.join(%r, "%%s.%%d.behind" %% (config["fails"], trial.attempt)), "w").write(str(fitted.epoch[-1]))
"""


@case
def one_that_goes_on_learns_as_if_nothing_had_been(scene):
    """The optimizer's moments are in the checkpoint; a verdict to stop ends `fit`, and what is behind it runs."""
    os.mkdir(scene.path("told"))
    scene.write("code/model.py", TRAIN % (scene.path("told"), scene.path("told")))
    head, worker = cluster_for(scene)
    number = submit(head, scene.write("goes_on.yaml", """
name: goes_on
run: {python: "model:train"}
env: {KERAS_BACKEND: jax}
code: %s
config: {fails: {grid_search: [false, true]}}
stop: {training_iteration: 12}
checkpoint_freq: 3
max_failures: 1
local_dir: %s
""" % (scene.path("code"), scene.path("results"))))
    end_of(head, number)
    losses = {}
    for path in trial_folders(scene.path("results", "goes_on")):
        rows = result_rows(path)
        check_once(rows, 12, path)
        losses[rows[0]["config"]["fails"]] = [row["loss"] for row in rows]
    begun = int(read_text(scene.path("told", "True.2.begins")))
    check(begun in (3, 6), "where it went on: %d" % begun)
    for one, other in zip(losses[False], losses[True]):
        check(abs(one - other) <= 1e-5 * one, "losses: %s" % losses)
    equal([read_text(scene.path("told", name)) for name in ("False.1.behind", "True.2.behind", "True.1.behind")],
          ["11", "11", ""], "the last epoch, told behind fit")
    end_all(scene, head, [worker])


@case
def one_that_is_paused_goes_on_behind_its_last_epoch(scene):
    """A pause leaves `fit` at once: nothing behind it runs."""
    os.mkdir(scene.path("told"))
    scene.write("code/model.py", TRAIN % (scene.path("told"), scene.path("told")))
    head, worker = cluster_for(scene)
    number = submit(head, scene.write("pauses.yaml", """
name: pauses
run: {python: "model:train"}
env: {KERAS_BACKEND: jax}
code: %s
config: {fails: false}
stop: {training_iteration: 1000}
local_dir: %s
""" % (scene.path("code"), scene.path("results"))))
    folder = scene.path("results", "pauses")
    wait_for(lambda: count_rows(folder) >= 5, LIMIT_S, "results")
    head.assay("pause", "%s/0" % number)
    wait_for(lambda: trials(head, number)[0]["state"] == "PAUSED", LIMIT_S, "the trial to be paused")
    before = count_rows(folder)
    check(before < 1000 and not os.path.exists(scene.path("told", "False.1.behind")), "it left fit: %d" % before)
    head.assay("resume", "%s/0" % number)
    end_of(head, number)
    path, = trial_folders(folder)
    check_once(result_rows(path), 1000, path)
    begun = [int(read_text(scene.path("told", name))) for name in sorted(os.listdir(scene.path("told")))
             if name.endswith(".begins")]
    equal(begun, [0, before], "where it began")
    end_all(scene, head, [worker])


BY_HAND = """
import os
import assay, assay.keras
import keras, numpy
x = numpy.linspace(-1, 1, 64).reshape(64, 1)

def fit(lr, more=(), end=2, **keys):
    model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(lr), "mse")
    report = assay.keras.ReportCallback(**keys)
    model.fit(x, x, epochs=end, initial_epoch=report.initial_epoch, callbacks=[*more, report], verbose=0)
    return model, report

def rate(model):
    return round(float(model.optimizer.learning_rate), 6)

class Halves(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.optimizer.learning_rate = rate(self.model) / 2

model, report = fit(0.1, [Halves()])
assay.library.write(report._save)
os.environ["ASSAY_RESTORE"] = os.path.abspath(os.path.join("checkpoints", os.listdir("checkpoints")[0]))
print("as it was", fit(0.1, end=3)[1].initial_epoch, rate(fit(0.1, end=3)[0]), "another", rate(fit(0.2, end=3)[0]),
      "not saved", fit(0.1, save=False)[1].initial_epoch)
schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)
fit(schedule, end=3)
for wrong in (lambda: model.fit(x, x, callbacks=[assay.keras.ReportCallback()], verbose=0),
              lambda: os.remove(os.path.join(os.environ["ASSAY_RESTORE"], "epoch.json")) or fit(0.1)):
    try:
        wrong()
    except assay.UsageError as error:
        print(str(error).replace("\\n", " / "))
"""


@case
def the_learning_rate_is_the_configurations_where_that_is_another(scene):
    """Run by hand, as anybody would try it."""
    lines = [line for line in python(scene, scene.write("by_hand.py", BY_HAND)).splitlines()
             if not line.startswith("assay: ")]
    equal(lines[0], "as it was 2 0.025 another 0.2 not saved 0", "learning rates")
    check(lines[1].startswith("fit: it begins with epoch 0, and the checkpoint holds 2 / ") and "initial_epoch=" in lines[1]
          and lines[2].startswith("checkpoint: it is none of ReportCallback's: ") and "save=False" in lines[2],
          "what is wrong: %s" % lines[1:])


if __name__ == "__main__":
    main()
