"""Event files, read by TensorBoard's own reader."""
import glob
import json
import os
import struct

from scripts import python

from cluster import case, main
from expect import check, equal
from experiments import cluster_of, end_all
from processes import read_text
from result_files import json_rows, result_rows, trial_folders

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata

TRAIN = """
import assay
def train(config):
    saved = assay.get_checkpoint()
    n = int((saved / "n").read_text()) if saved else 0
    attempt = assay.current_trial().attempt
    while n < 8:
        n += 1
        assay.report(loss=config["net"]["x"] / n, eval={"acc": n * 0.1}, attempt=attempt, word="no number", odd=n % 2 == 1)
        if attempt == 1 and n == 5 and config["net"]["x"] == 2:
            raise ValueError("once")
        if assay.should_checkpoint():
            with assay.checkpoint() as folder:
                (folder / "n").write_text(str(n))
"""

RUN = """
import assay, assay.tensorboard, train
if __name__ == "__main__":
    assay.run(train.train, config={"net": {"x": assay.grid_search([1, 2])}, "act": "relu", "layers": [3, 4]},
              name="here", local_dir="results", checkpoint_freq=2, max_failures=1, verbose=0,
              callbacks=[assay.tensorboard.TensorBoard(), assay.tensorboard.TensorBoard("runs")])
"""

SCALARS = ["attempt", "eval/acc", "iterations_since_restore", "loss", "time_since_restore", "time_this_iter_s",
           "training_iteration"]


def single(number):
    """As an event file has it: in 32 bits."""
    return struct.unpack("f", struct.pack("f", number))[0]


def read(folder):
    events = EventAccumulator(folder, {"scalars": 0})
    events.Reload()
    return events


def check_events(folder, trial_folder, prefix=""):
    """The scalars are the numbers of result.json: each step once, in order, at the time of its result."""
    events, rows = read(folder), result_rows(trial_folder)
    check(rows, "results in " + trial_folder)
    told = events.Tags()["scalars"]
    check({prefix + name for name in SCALARS} <= set(told), "scalars: %s" % told)
    for name in ("word", "odd", "pid", "timestamp", "config/net/x", "done"):
        check(prefix + name not in told, "%s is no scalar: %s" % (name, told))
    for tag in told:
        name = tag[len(prefix):].split("/")
        wanted = []
        for row in rows:
            value = row
            for part in name:
                value = value[part]
            wanted.append((row["training_iteration"], single(value), row["timestamp"]))
        equal([(one.step, one.value, one.wall_time) for one in events.Scalars(tag)], wanted, "%s of %s" % (tag, folder))
    return events


def hyperparameters(events):
    told = events.SummaryMetadata(metadata.SESSION_START_INFO_TAG).plugin_data
    equal(told.plugin_name, "hparams", "the plugin that is told of the configuration")
    return metadata.parse_session_start_info_plugin_data(told.content).hparams


@case
def a_callback_writes_what_tensorboard_reads(scene):
    scene.write("train.py", TRAIN)
    python(scene, scene.write("run.py", RUN))
    folders = trial_folders(scene.path("results", "here"))
    equal(len(folders), 2, "trials")
    for folder in folders:
        for events in (check_events(folder, folder),
                       check_events(scene.path("runs", os.path.basename(folder)), folder)):
            config = json.loads(read_text(os.path.join(folder, "params.json")))
            values = hyperparameters(events)
            equal(sorted(values), ["act", "layers", "net/x"], "hyperparameters")
            equal((values["net/x"].number_value, values["act"].string_value, values["layers"].string_value),
                  (config["net"]["x"], "relu", "[3, 4]"), "hyperparameters")
    again = [folder for folder in folders if os.path.exists(os.path.join(folder, "superseded.json"))]
    equal(len(again), 1, "trials that went back to a checkpoint")
    check(json_rows(os.path.join(again[0], "superseded.json")), "results that were superseded")


@case
def what_has_run_is_written_behind_its_end(scene):
    head, workers = cluster_of(scene, 1, ("n1",))
    scene.write("code/train.py", TRAIN)
    out = python(scene, scene.write("write.py", """
import assay, assay.tensorboard, sys
client = assay.Client(%r)
number = client.submit("train:train", config={"net": {"x": assay.grid_search([1, 3])}}, local_dir=%r, code=%r)
found = client.wait(number, timeout=100)
for folder in assay.tensorboard.write(found, "runs") + assay.tensorboard.write(found, "runs"):
    print(folder)
trial = found.trials[0]
trial.folder = "/nowhere/trial"
try:
    assay.tensorboard.TensorBoard().on_result(trial, trial.last_result)
except assay.UsageError as error:
    print(str(error).replace("\\n", " / "))
""" % (head.address, scene.path("results"), scene.path("code"))), home=head.home)
    *written, refused = out.splitlines()
    folders = trial_folders(scene.path("results", "train"))
    equal(sorted(written), sorted(2 * [os.path.join("runs", os.path.basename(folder)) for folder in folders]), "folders")
    for folder in folders:
        made = scene.path("runs", os.path.basename(folder))
        equal(len(glob.glob(os.path.join(made, "*tfevents*"))), 2, "event files of two writings")
        check_events(made, folder)
    check(refused.startswith("tensorboard: /nowhere/trial, ") and 'try: logdir="runs"' in refused, refused)
    end_all(scene, head, workers)


@case
def tunes_loggers_write_tunes_names(scene):
    python(scene, "-m", "assay.ray", scene.write("tune_script.py", TRAIN + """
import ray
from ray import tune
from ray.tune.logger import CSVLogger, JsonLogger, TBXLogger, TFLogger
if __name__ == "__main__":
    ray.init()
    tune.run(train, name="tuned", config={"net": {"x": tune.grid_search([1, 3])}}, checkpoint_freq=0, verbose=0,
             loggers=[JsonLogger, CSVLogger, TFLogger])
    assert TBXLogger is TFLogger
"""))
    folders = trial_folders(scene.path("tune", "tuned"))
    equal(len(folders), 2, "trials")
    for folder in folders:
        equal(hyperparameters(check_events(folder, folder, "ray/tune/"))["net/x"].number_value,
              json.loads(read_text(os.path.join(folder, "params.json")))["net"]["x"], "hyperparameters")


if __name__ == "__main__":
    main()
