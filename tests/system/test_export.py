"""`assay export`: an experiment as a table, a document and a page, from a head and from its own folder."""
import csv
import html.parser
import io
import json
import os
import re

from cluster import case, main
from expect import check, equal, shorten, wait_for
from experiments import cluster_of, paced, submit
from processes import read_text
from result_files import result_rows, trial_folders

ODD = 'ta"nh,</script><script>x()</script>'

MIXED = """\
name: mixed
run: {command: "sh mixed.sh {lr} {net.kind}"}
config:
  lr: {loguniform: [0.0001, 0.1]}
  net: {choice: [{kind: cnn, layers: {randint: [1, 5]}}, {kind: mlp}]}
  act: {grid_search: [relu, 'ta"nh,</script><script>x()</script>']}
  sizes: [1, 2]
search: {type: random, seed: 3}
num_samples: 6
metric: deep/loss
mode: min
"""

# One trial reports something else, one is no number, and what is called as a column of ours is.
SCRIPT = """\
echo "assay: {\\"deep\\": {\\"loss\\": $1}, \\"trial\\": 7, \\"note\\": \\"a,b\\"}"
[ $2 = cnn ] && echo "assay: {\\"deep\\": {\\"loss\\": NaN}, \\"only_cnn\\": true}"
echo "assay: {\\"deep\\": {\\"loss\\": 0.5}}"
"""


def mixed(scene):
    scene.write("mixed.sh", SCRIPT)
    return scene.write("mixed.yaml", MIXED + "local_dir: %s\n" % scene.path("results"))


def table_of(text):
    rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    check(all(None not in row and None not in row.values() for row in rows), "a ragged table: " + text)
    return rows


def strict(text):
    def refuse(word):
        raise ValueError("%s is no JSON" % word)

    return json.loads(text, parse_constant=refuse)


class Page(html.parser.HTMLParser):
    """What a reader of the page sees; one whose tags do not fit into one another is refused."""

    EMPTY = {"meta", "rect", "path", "circle"}  # those that may have no end

    def __init__(self, text):
        super().__init__()
        self.open, self.seen, self.attributes, self.words, self.scripts = [], {}, [], [], []
        self.feed(text)
        self.close()
        equal(self.open, [], "tags that are still open")

    def handle_starttag(self, tag, attributes):
        self.seen[tag] = self.seen.get(tag, 0) + 1
        self.attributes += attributes
        check(len(dict(attributes)) == len(attributes), "an attribute twice: %s" % attributes)
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag != "meta":
            self.open.pop()

    def handle_endtag(self, tag):
        check(self.open and self.open[-1] == tag, "</%s> in %s" % (tag, self.open))
        self.open.pop()

    def handle_data(self, data):
        (self.scripts if self.open[-1:] == ["script"] else self.words).append(data)

    def text(self):
        return "".join(self.words)


def page_of(text):
    """A page that is well-formed, needs nobody, and runs nothing but its own script."""
    page = Page(text)
    equal(page.seen.get("script"), 1, "scripts")
    check("x()" not in "".join(page.scripts), "an odd text got into the script")
    for name, value in page.attributes:
        check(not name.startswith("on"), "a handler: %s=%s" % (name, value))
        if name in ("href", "src", "action", "xlink:href", "srcset", "data"):
            check(name == "href" and value.startswith("#"), "a reference: %s=%s" % (name, value))
    ids = {value for name, value in page.attributes if name == "id"}
    lost = {value for name, value in page.attributes if name == "href"} - {"#" + one for one in ids}
    equal(lost, set(), "links to nothing")
    check("://" not in text and "url(" not in text and "@import" not in text, "a reference outside")
    check(any("script-src 'sha256-" in (value or "") for name, value in page.attributes), "a policy")
    equal(page.seen.get("svg", 0), sum(name == "aria-label" for name, value in page.attributes), "labels of charts")
    check("nan" not in re.sub(r"<title>.*?</title>|>[^<]*<", "", text, flags=re.S), "a place that is no number")
    return page


def told(result, status, what):
    equal(result.status, status, "status of %s" % result.told())
    result.check_error()
    check(what in result.err, "%r in %r" % (what, result.err))


@case
def cut_offs_are_in_the_metrics_own_sign(scene):
    """The scheduler counts so that more is better; here less is."""
    scene.write("rungs.sh", 'for i in 1 2 3 4 5 6 7 8 9; do echo "assay: loss=$1"; done\n')
    scene.assay("run", scene.write("rungs.yaml", """\
name: rungs
run: {command: "sh rungs.sh {x}"}
config: {x: {grid_search: [1, 2, 3, 4, 5, 6]}}
metric: loss
mode: min
scheduler: {type: asha, max_t: 9, reduction_factor: 3}
local_dir: %s
""" % scene.path("results")))
    text = scene.assay("export", "last", "--html", "-").out
    section = text[text.index('id="scheduler"'):]
    rows = [[re.sub("<[^>]*>", "", cell) for cell in re.findall("<td[^>]*>.*?</td>", row, re.S)]
            for row in re.findall("<tr>.*?</tr>", section[:section.index("</section>")], re.S)]
    rungs = [row for row in rows if row]
    equal([row[1] for row in rungs], ["9", "3", "1"], "rungs")
    for row in rungs:
        check(row[2] == "not enough trials yet" or 1 <= float(row[2]) <= 6, "a cut-off: %s" % row)
    check(float(rungs[-1][2]) >= 1, "of the lowest rung there is one")


@case
def a_run_is_a_table_and_a_document_when_no_head_is_there(scene):
    scene.assay("run", mixed(scene))
    rows = table_of(scene.assay("export", "last", "--csv", "-").out)
    truth = scene.assay("trials", "last", "--json").json()["trials"]
    equal(len(rows), 12, "rows")
    for row, trial in zip(rows, truth):
        for key in ("trial", "id", "name", "state", "attempt", "results", "best", "best_at", "folder"):
            equal(row[key], str(trial[key]), key)
        config = trial["config"]
        equal((float(row["config.lr"]), row["config.act"], row["config.net.kind"], row["config.sizes"]),
              (config["lr"], config["act"], config["net"]["kind"], "[1,2]"), "configuration")
        equal(row["config.net.layers"], str(config["net"].get("layers", "")), "what only some have")
        equal(float(row["last_result.deep.loss"]), 0.5, "last result")
        check(float(row["last_result.time_total_s"]) > 0, "a field that was filled in")
    check(any(row["config.act"] == ODD for row in rows), "the odd text is there")

    results = table_of(scene.assay("export", "last", "--csv", "-", "--results").out)
    wanted = []
    for folder in trial_folders(scene.path("results", "mixed")):
        wanted += [(row["config"]["lr"], row["training_iteration"], row["timestamp"])
                   for row in result_rows(folder)]
    equal(sorted((float(row["config.lr"]), int(row["training_iteration"]), int(row["timestamp"]))
                 for row in results), sorted(wanted), "all results")
    first = [row for row in results if row["training_iteration"] == "1"]
    equal([(row["trial"], row["id"], row["result.trial"], row["note"]) for row in first],
          [(str(one["trial"]), one["id"], "7", "a,b") for one in truth], "whose they are")
    check({row["only_cnn"] for row in results} == {"", "true"}, "what only some report")
    check("nan" in {row["deep.loss"] for row in results}, "what is no number stands there as it is")

    document = strict(scene.assay("export", "last", "--json", "-", "--results").out)
    equal(set(document), {"experiment", "spec", "scheduler", "best", "trials"}, "parts")
    equal(document["experiment"]["total"], 12, "the experiment")
    equal(document["spec"]["search"], {"type": "random", "seed": 3}, "what was asked for")
    equal(document["best"], scene.assay("best", "last", "--json").json()["trials"][0], "the best")
    equal([{k: v for k, v in one.items() if k != "reported"} for one in document["trials"]], truth, "trials")
    equal(sum(len(one["reported"]) for one in document["trials"]), len(wanted), "results")
    equal([one["deep"]["loss"] for one in document["trials"][0]["reported"]][-1], 0.5, "a result")
    plain = strict(scene.assay("export", "last", "--json", "-").out)
    equal(plain["trials"], truth, "trials without their results")

    # A folder says as much by itself, and one that has lost its summary as much as its files know.
    named = scene.assay("export", scene.path("results", "mixed"), "--csv", "-").out
    equal(table_of(named), rows, "by the folder's name")
    os.remove(scene.path("results", "mixed", "experiment.json"))
    walked = table_of(scene.assay("export", scene.path("results", "mixed"), "--csv", "-").out)
    equal({row["config.lr"] for row in walked}, {row["config.lr"] for row in rows}, "without a summary")


@case
def a_file_comes_whole_and_replaces_nothing(scene):
    scene.assay("run", mixed(scene))
    scene.write("taken.csv", "mine")
    os.mkfifo(scene.path("fifo"))
    os.symlink("/dev/full", scene.path("full"))
    for words, what in [(["--csv", "taken.csv"], "--force"), (["--csv", "fifo", "--force"], "no file"),
                        (["--csv", "full", "--force"], "no file"), (["--csv", ""], "empty"),
                        (["--json", "absent/x.json"], "can be written"), ([], "--csv"),
                        (["--csv", "-", "--json", "-"], "standard output")]:
        told(scene.assay("export", "last", *words, status=None), 2, what)
    told(scene.assay("export", "nobody", "--csv", "new.csv", status=None), 6, "called so")
    equal(read_text(scene.path("taken.csv")), "mine", "what was there")
    scene.assay("export", "last", "--csv", "taken.csv", "--json", "new.json", "--force")
    equal(len(table_of(read_text(scene.path("taken.csv")))), 12, "rows")
    equal(len(strict(read_text(scene.path("new.json")))["trials"]), 12, "trials")
    left = [name for name in os.listdir(scene.folder) if ".tmp" in name]
    equal(left, [], "files left over")


@case
def a_page_shows_all_of_it_and_obeys_nobody(scene):
    name = "<img src=x onerror=x()>'\"&amp;"
    scene.assay("run", mixed(scene), "--name", name, "-n", "12")
    scene.assay("export", "last", "--html", "page.html")
    text = read_text(scene.path("page.html"))
    page = page_of(text)
    shown = page.text()
    best = scene.assay("best", "last", "--json").json()["trials"][0]
    check(ODD in shown and name in shown, "odd texts are shown as they are")
    check(best["name"] in shown and repr(best["best"]) in shown, "the best trial")
    for word in ("deep/loss", "Seed", "24 trials", "net.layers", "Permutation importance", "told from 24"):
        check(word.replace("24 trials", "24") in shown, "%r on the page" % word)
    check(page.seen["svg"] >= 3 + 4 and page.seen["details"] >= page.seen["svg"], "charts: %s" % page.seen)
    told(scene.assay("export", "last", "--html", "page.html", status=None), 2, "--force")
    told(scene.assay("export", "last", "--html", "-", "--results", status=None), 2, "--results")
    # What it says of running the best one again is true.
    again = re.search(r"assay run again.yaml</p>\s*<pre>(.*?)</pre>", text, re.S).group(1)
    scene.write("again.yaml", html.unescape(again))
    scene.assay("run", "again.yaml", "--name", "again")
    rows = scene.assay("trials", "last", "--json").json()["trials"]
    equal([(row["config"], row["best"]) for row in rows], [(best["config"], best["best"])], "the best again")
    page = page_of(scene.assay("export", "last", "--html", "-").out)
    check("it takes 20" in page.text() or "No parameter differs" in page.text(), "one trial says little")


@case
def a_page_stays_small(scene):
    """Many trials, written down as a run leaves them; some are far off, or no numbers."""
    trials = [{"trial": n, "id": "%08x" % n, "name": "t%d" % n, "state": "TERMINATED", "results": 1,
               "started_ms": 1796039205000 + n, "ended_ms": 1796039206000 + n * 7 % 5000, "best_at": 1,
               "best": None if n % 50 == 7 else 1e300 if n % 1000 == 9 else (n * 7919 % 10007) / 10007 - 0.5,
               "config": {"x%d" % k: n * (k + 3) % 101 / 100 for k in range(6)}, "folder": "/nowhere"}
              for n in range(2400)]
    os.mkdir(scene.path("many"))
    scene.write("many/experiment.json", json.dumps({"experiment": {
        "experiment": 1, "name": "many", "state": "TERMINATED", "created": 2400, "total": 2400,
        "terminated": 2400, "metric": "loss", "mode": "min"}, "trials": trials}))
    text = scene.assay("export", "./many", "--html", "-").out
    page = page_of(text)
    check(len(text) < 4 << 20, "a page of %d bytes" % len(text))
    for word in ("are drawn", "far off", "are listed", "No results", "no number for it"):
        check(word in page.text(), "%r is said" % word)
    equal(len(table_of(scene.assay("export", "./many", "--csv", "-").out)), 2400, "rows of the table")


@case
def what_runs_is_exported_as_it_is_now(scene):
    head, workers = cluster_of(scene, 2, names=("n1",))
    number = submit(head, paced(scene, "slow", 4, 4000, pace=0.01))
    results = lambda: table_of(head.assay("export", number, "--csv", "-", "--results").out)
    wait_for(lambda: len(results()) > 10, 30, "results")
    rows = results()
    for trial in {row["trial"] for row in rows}:
        counted = [int(row["training_iteration"]) for row in rows if row["trial"] == trial]
        equal(counted, list(range(1, len(counted) + 1)), "results of trial " + trial)
    states = {row["state"] for row in table_of(head.assay("export", number, "--csv", "-").out)}
    check("RUNNING" in states, "states: %s" % states)
    document = strict(head.assay("export", number, "--json", "-", "--results").out)
    equal(document["experiment"]["state"], "RUNNING", "state")
    page = page_of(head.assay("export", number, "--html", "-").out)
    check("It has not ended" in page.text() and page.seen["svg"] > 1, "a page of what runs")
    check(any(one["reported"] for one in document["trials"]), "results: " + shorten(repr(document)))
    head.assay("stop", number)
    head.assay("wait", number, status=None)
    empty = submit(head, scene.write("none.yaml", "run: {command: 'true'}\nname: none\ncode: none\nlocal_dir: %s\n"
                                     % scene.path("results")), "--wait")
    rows = table_of(head.assay("export", empty, "--csv", "-").out)
    equal([(row["best"], row["results"]) for row in rows], [("", "0")], "a trial that reported nothing")
    equal(table_of(head.assay("export", empty, "--csv", "-", "--results").out), [], "no results")
    equal(strict(head.assay("export", empty, "--json", "-").out)["best"], None, "no best")
    check("No trial has" in page_of(head.assay("export", empty, "--html", "-").out).text(), "a page of nothing")


main()
