"""`warm_start`: a search that learns from trials of before, of an experiment or of a table."""
import json

from cluster import case, main
from expect import check, equal
from experiments import cluster_of, end_all, submit

SPACE = {"x": {"uniform": [0, 1]}, "model": {"size": {"choice": [1, 2, 4]}}}
PROGRAM = 'echo "assay: loss=$(awk "BEGIN { d = $1 - 0.7; print (d < 0 ? -d : d) + $2 / 100 }")"\n'


def file_of(scene, name, samples, **more):
    scene.write("one.sh", PROGRAM)
    return scene.write(name + ".json", json.dumps(dict(
        {"name": name, "run": {"command": "sh one.sh {x} {model.size}"}, "config": SPACE, "metric": "loss",
         "mode": "min", "num_samples": samples, "local_dir": scene.path("results")}, **more)))


def distances(rows):
    return [abs(row["config"]["x"] - 0.7) for row in rows]


@case
def a_table_is_learned_from(scene):
    rows = ["x,model/size,loss"] + ["%g,%d,%g" % (i / 80, 1 + i % 2, abs(i / 80 - 0.7)) for i in range(80)]
    scene.write("before.csv", "\n".join(rows + ["5,1,0", "0.5,3,0", "0.5,1,"]) + "\n")
    file = file_of(scene, "cold", 12, search={"type": "tpe", "seed": 5})
    scene.assay("run", file)
    cold = distances(scene.assay("trials", "last", "--json").json()["trials"])
    file = file_of(scene, "warm", 12, search={"type": "tpe", "seed": 5}, warm_start="before.csv")
    told = scene.assay("run", file).err
    check("before.csv: 3 of its 83 trials do not fit config, or have no loss" in told, told)
    warm = distances(scene.assay("trials", "last", "--json").json()["trials"])
    check(sum(warm) < sum(cold) / 2, "it begins where the best was: %s, and without %s" % (warm, cold))


@case
def an_experiment_is_learned_from_and_its_log_is_enough(scene):
    head, workers = cluster_of(scene, 4)
    number = submit(head, file_of(scene, "before", 60, search={"type": "random", "seed": 4}))
    equal(head.assay("wait", number).status, 0, "the one before")
    told = head.assay("submit", file_of(scene, "after", 12, search={"type": "tpe", "seed": 5}, warm_start="before"),
                      "--wait", "-v")
    check("60 of 60 trials of before are learned from" in told.err, told.err)
    rows = head.assay("trials", "after", "--json").json()["trials"]
    check(sum(distances(rows)) / len(rows) < 0.12, "near the best: %s" % distances(rows))
    # Its own table is one to learn from, too.
    head.assay("export", "before", "--csv", scene.path("before.csv"))
    told = head.assay("submit", file_of(scene, "third", 3, search={"type": "tpe", "seed": 5}, warm_start="before.csv"),
                      "--wait", "-v")
    check("60 of 60 trials of before.csv are learned from" in told.err, told.err)
    end_all(scene, head, workers)


@case
def what_cannot_be_learned_from_is_said(scene):
    scene.write("other.csv", "lr,loss\n1,2\n")
    scene.write("far.csv", "x,model/size,loss\n7,1,2\n")
    scene.write("bare.csv", "x,model/size,accuracy\n0.5,1,2\n")
    for name, search, what in (("absent.csv", "tpe", "absent.csv"), ("other.csv", "tpe", "no column x"),
                               ("far.csv", "tpe", "none of its 1 trials"), ("bare.csv", "tpe", "no column loss"),
                               ("/nowhere/at/all", "tpe", "nowhere"), ("far.csv", "random", "none of its 1 trials")):
        refused = scene.assay("preview", file_of(scene, "it", 3, search={"type": search}, warm_start=name),
                              status=None)
        check(refused.status in (2, 3, 6), "%s: status %s" % (name, refused.status))
        refused.check_error()
        check(what in refused.err, "%s: %s" % (name, refused.err))
    scene.write("fits.csv", "x,model/size,loss\n0.5,1,2\n")
    refused = scene.assay("preview", file_of(scene, "it", 3, search={"type": "random"}, warm_start="fits.csv"), status=2)
    refused.check_error()
    check("random does not learn" in refused.err, refused.err)


main()
