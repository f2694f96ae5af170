"""What the tool does for the one who types: pipes, mistakes, selectors, Ctrl-C."""
import json
import os
import re
import signal
import subprocess

from cluster import case, main, tool
from expect import check, equal, wait_for
from experiments import cluster_of, submit, trials


def command(scene, name, text, **more):
    spec = {"name": name, "run": {"command": text}, "code": "none",
            "local_dir": scene.path("results"), **more}
    return scene.write(name + ".yaml", json.dumps(spec, ensure_ascii=False))


def told(result, status, what):
    """Two lines: what is wrong, and what mends it."""
    equal(result.status, status, "status of %s" % result.told())
    check(re.fullmatch(r"assay: .+\n  try: .+\n", result.err), "two lines: %r" % result.err)
    check(what in result.err, "%r in %r" % (what, result.err))


@case
def mistakes_are_told_in_two_lines(scene):
    for words, what in [
        (["lst"], "assay list"), (["list", "--json=3"], "takes no value"),
        (["list", "--jsn"], "--json"), (["trials", "--state", "running"], "--state RUNNING"),
        (["best", "-n", "0"], "-n"), (["token", "create", "--role", "x"], "no such role"),
        (["token", "crate"], "assay token create"), (["wait", "--timeout", "3x"], "duration"),
        (["run"], "FILE"), (["run", "a", "--", "b"], "not both"),
        (["run", "a.yaml", "--address", "h:1", "--worker-cpus", "1"], "of its own"),
        (["submit", "--name", "b\udcffd", "--", "true"], "not UTF-8"),
    ]:
        scene.write("a.yaml", "run: {command: 'true'}\n")
        told(scene.assay(*words, status=None), 2, what)
    told(scene.assay("list", status=None), 3, "no head")


@case
def files_that_are_none_do_not_hold_it_up(scene):
    os.mkfifo(scene.path("fifo.yaml"))
    told(scene.assay("run", "fifo.yaml", status=None, limit_s=20), 2, "it is no file")
    os.mkfifo(scene.path(".gitignore"))
    scene.write("t.sh", "echo 'assay: x=1'\n")
    scene.assay("run", "--set", "local_dir=" + scene.path("results"), "--", "sh", "t.sh")


@case
def a_reader_that_has_gone_is_no_error(scene):
    for words in (["help"], ["help", "run"]):
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run([tool("assay")] + words, stdout=writer, stderr=subprocess.PIPE,
                              env=scene.env(), restore_signals=False, timeout=30)
        os.close(writer)
        equal((done.returncode, done.stderr), (128 + signal.SIGPIPE, b""), "quiet end of %s" % words)
    with open("/dev/full", "w") as full:
        done = subprocess.run([tool("assay"), "help"], stdout=full, stderr=subprocess.PIPE,
                              env=scene.env(), timeout=30)
    equal(done.returncode, 70, "status where nothing can be written")
    equal(done.stderr.count(b"\n"), 2, "it is said once: %r" % done.stderr)


@case
def selectors_find_what_they_name(scene):
    head, workers = cluster_of(scene, 1, names=("n1",))
    numbers = [submit(head, command(scene, name, "true"), "--wait")
               for name in ("grab1", "grab2", "grab2", "2024run", "h\u00e9")]
    equal(numbers, ["1", "2", "3", "4", "5"], "numbers")
    name_of = lambda text: head.assay("show", text, "--json").json()["name"]
    told(head.assay("show", "grab", status=None), 2, "more than one")
    equal(name_of("grab2"), "grab2", "the newest of one name")
    equal(name_of("2024"), "2024run", "a name that begins with digits")
    equal(name_of("last"), "h\u00e9", "the last")
    check("h\u00e9" in head.assay("list").out, "a table shows letters of all kinds")
    told(head.assay("trials", "1/7", status=None), 6, "no trial")
    told(head.assay("stop", "./results", status=None), 2, "folder")
    # A number is an experiment's, or nobody's: never the beginning of a trial's id.
    many = submit(head, command(scene, "many", "true", num_samples=60,
                                search={"type": "random", "seed": 1}), "--wait")
    ids = [row["id"] for row in trials(head, many)]
    number = next(one[:2] for one in ids
                  if one[:2].isdigit() and int(one[:2]) > int(many) and one[:2] != "20")  # 2024run
    told(head.assay("stop", number, status=None), 6, "called so")
    word = next(one[:5] for one in ids if not one[:5].isdigit())
    equal(head.assay("show", word, "--json").json()["id"][:5], word, "the beginning of an id")


@case
def trials_do_not_speak_to_the_terminal(scene):
    file = command(scene, "loud", "sh -c 'printf \"\\\\033[31mred\\\\n\" >&2; exit 3'")
    done = scene.assay("run", file, status=1)
    check("red" in done.out and "\033" not in done.out, "tamed: %r" % done.out[-300:])


@case
def ctrl_c_does_not_wait_for_on_result(scene):
    for number, text in enumerate(("cat > got; touch %s; exec sleep 60", "exec <&-; touch %s; exec sleep 60")):
        seen = scene.path("seen%d" % number)
        file = command(scene, "slow%d" % number, "echo 'assay: x=1'", on_result=text % seen)
        running = scene.start("run%d" % number, "run", file)
        wait_for(lambda: os.path.exists(seen), 30, "on_result to have read: " + running.err())
        running.kill(signal.SIGINT)
        equal(running.wait(20), 130, "status after Ctrl-C: " + running.err())
        scene.check_nothing_runs()


@case
def the_first_block_knows_the_resources(scene):
    done = scene.assay("run", command(scene, "one", "echo 'assay: x=1'"), "--worker-cpus", 2)
    lines = re.findall(r"Resources requested: .*", done.out)
    check(lines and all("/2 CPUs" in line for line in lines), "resources: %s" % lines)


main()
