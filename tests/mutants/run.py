"""Planted errors: each must be found by the simulator, a trace or a unit test, or the tests see too little.

    run.py --build DIR [--jobs N] [--seeds N] [NAME...]

tests/mutants/NN-NAME.patch changes one source file; its head says what is wrong with it, and which test saw it
first, which is tried first. A copy of that file is patched, compiled as the build in
DIR compiles it and linked in front of the project's libraries into those test programs that link its library;
then they run until one fails. The patches are kept true: one that does not apply any more fails, and so does
one that is not caught."""
import argparse
import concurrent.futures
import glob
import json
import os
import re
import select
import shlex
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
LIMIT_S = 300  # of one test of a mutant, which may well never end
QUICK_SEEDS = 200
FAILED = re.compile(rb"^\S+:\d+:[FE]:.*\n", re.M)  # of Check
EXECUTOR = "assay-executor"  # which its unit tests start as a process


class Build:
    """What DIR knows of compiling and linking."""

    def __init__(self, folder, scratch):
        self.folder, self.scratch = os.path.abspath(folder), scratch
        with open(os.path.join(self.folder, "compile_commands.json"), encoding="utf-8") as file:
            self.compile = {os.path.relpath(one["file"], ROOT): one for one in json.load(file)}
        names = ["sim", "test_trace"] + sorted(
            os.path.basename(path)[:-2] for path in glob.glob(os.path.join(ROOT, "tests", "unit", "test_*.c")))
        self.links = {name: self.link_of(name) for name in names}
        self.executor = self.link_of(EXECUTOR)

    def link_of(self, name):
        """The words that link a program."""
        done = subprocess.run(["ninja", "-C", self.folder, "-t", "commands", "-s", "bin/" + name],
                              stdout=subprocess.PIPE, text=True, check=True)
        last = done.stdout.strip().splitlines()[-1]
        command = next(part for part in last.split(" && ") if " -o bin/" in part)
        return shlex.split(command)

    def users_of(self, archive):
        """Programs that link it, in the order in which they are tried."""
        return [name for name, words in self.links.items() if archive in words]

    def object_of(self, path, patched, out):
        one = self.compile[path]
        words = shlex.split(one["command"])
        words[words.index("-o") + 1] = out
        words[words.index("-c") + 1] = patched
        for flag, behind in (("-MF", out + ".d"), ("-MT", out)):
            if flag in words:
                words[words.index(flag) + 1] = behind
        # A mutant may well leave something unused.
        return subprocess.run(words + ["-Wno-error"], cwd=one["directory"], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)

    def archive_of(self, path):
        """The library that the file is in, as link commands name it."""
        target = re.search(r"CMakeFiles/(\w+)\.dir/", self.compile[path]["command"]).group(1)
        return "lib%s.a" % target

    def link(self, name, added, out):
        words = list(self.executor if name == EXECUTOR else self.links[name])
        words[words.index("-o") + 1] = out
        first = next(i for i, word in enumerate(words) if word.startswith("lib") and word.endswith(".a"))
        words.insert(first, added)
        return subprocess.run(words, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


class Mutant:
    def __init__(self, patch):
        self.patch = patch
        self.name = os.path.basename(patch)[: -len(".patch")]
        with open(patch, encoding="utf-8") as file:
            self.text = file.read()
        self.first = next(iter(re.findall(r"^Seen first by: (\S+)$", self.text, re.M)), None)
        found = re.findall(r"^\+\+\+ b/(\S+)$", self.text, re.M)
        self.path = found[0] if len(found) == 1 else None

    def apply(self, folder):
        """A patched copy of its file; a word where that cannot be."""
        if self.path is None or not os.path.exists(os.path.join(ROOT, self.path)):
            return None, "it changes no file that is there"
        out = os.path.join(folder, os.path.basename(self.path))
        done = subprocess.run(["patch", "-s", "-N", "-F", "2", "-r", "-", "-o", out,
                               os.path.join(ROOT, self.path), self.patch],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return (out, None) if done.returncode == 0 else (None, "it does not apply: " + done.stdout.strip())


def tests_of(names, seeds):
    """Of programs: (program, what it is called, its arguments), the quick ones first."""
    tests = []
    if "sim" in names:
        tests.append(("sim", "simulator", ["--until-failure", "--seeds", "1-%d" % min(seeds, QUICK_SEEDS)]))
    if "test_trace" in names:
        tests += [("test_trace", "trace." + os.path.basename(path)[:-6], [path])
                  for path in sorted(glob.glob(os.path.join(ROOT, "tests", "trace", "*.trace")))]
    tests += [(name, "unit." + name[len("test_"):], []) for name in names if name.startswith("test_") and
              name != "test_trace"]
    if "sim" in names and seeds > QUICK_SEEDS:
        tests.append(("sim", "simulator", ["--until-failure", "--seeds", "%d-%d" % (QUICK_SEEDS + 1, seeds)]))
    return tests


def read_until_failure(process, end):
    """What it says, to its end, its first failure or the time's end: then it has none."""
    said = b""
    while True:
        ready, _, _ = select.select([process.stdout], [], [], max(0, end - time.monotonic()))
        if not ready:
            return said, False
        more = os.read(process.stdout.fileno(), 1 << 16)
        said += more
        if not more:
            return said, True
        # A test of Check's that fails says so at once, here; those behind it may wait for long.
        if FAILED.search(said):
            return said, True


def pids_of(mark):
    """Processes that have it in their environment."""
    found = []
    for path in glob.glob("/proc/[0-9]*/environ"):
        try:
            with open(path, "rb") as file:
                if mark.encode() in file.read().split(b"\0"):
                    found.append(int(path.split("/")[2]))
        except OSError:
            pass  # it has ended, or is not ours
    return found


def end_left(mark):
    """An executor has a session of its own, and outlives for a while the test that started it. All that a test
    starts has its environment; one that was begun meanwhile is seen by the next look."""
    while True:
        left = pids_of(mark)
        if not left:
            return
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


def run(program, words, folder):
    """Its output where it failed, None where it passed. One that does not end says nothing: it may be the
    machine that is slow."""
    try:
        return run_test(program, words, folder)
    finally:
        end_left("MUTANT_RUN=" + folder)


def run_test(program, words, folder):
    with subprocess.Popen([program] + words, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, start_new_session=True,
                          env=dict(os.environ, CK_TIMEOUT_MULTIPLIER="4", CK_LOG_FILE_NAME="-",
                                   MUTANT_RUN=folder)) as process:
        said, ended = read_until_failure(process, time.monotonic() + LIMIT_S)
        failed = FAILED.search(said) is not None
        if ended and not failed:
            process.wait()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    return said.decode("utf-8", "replace") if failed or (ended and process.returncode != 0) else None


def what_failed(output):
    """The line that says it."""
    for form in (r"^seed \d+: .*", r"^.*:[FE]:.*", r"^.*[Aa]ssertion.*", r"^.*(?:SUMMARY|runtime error).*",
                 r"^.*(?:differs|expected|instead).*"):
        found = re.search(form, output, re.M)
        if found:
            return re.sub(re.escape(ROOT) + "/", "", found.group(0).strip())[:150]
    return (output.strip().splitlines() or ["it failed"])[-1][:150]


def try_tests(build, mutant, added, folder, seeds):
    """(caught, what is said of it): its own first test, then all others of those that link its library."""
    programs = {}
    if build.archive_of(mutant.path) == "libexecutor.a":
        os.unlink(os.path.join(folder, "bin", EXECUTOR))
        build.link(EXECUTOR, added, os.path.join(folder, "bin", EXECUTOR))
    names = build.users_of(build.archive_of(mutant.path))
    for name, called, words in sorted(tests_of(names, seeds), key=lambda one: one[1] != mutant.first):
        if name not in programs:
            programs[name] = os.path.join(folder, "bin", name)
            if os.path.islink(programs[name]):
                os.unlink(programs[name])
            made = build.link(name, added, programs[name])
            if made.returncode != 0:
                return False, "%s does not link: %s" % (name, what_failed(made.stdout))
        output = run(programs[name], words, folder)
        # What fails anyway, here and now, has seen nothing.
        if output is not None and run(os.path.join(build.folder, "bin", name), words, folder) is None:
            return True, "%s: %s" % (called, what_failed(output))
    return False, "NOTHING saw it"


def try_one(build, mutant, seeds):
    with tempfile.TemporaryDirectory(prefix=mutant.name[:2] + ".", dir=build.scratch) as folder:
        patched, why = mutant.apply(folder)
        if patched is None:
            return False, why
        if mutant.path not in build.compile:
            return False, "%s is not compiled in this build" % mutant.path
        added = os.path.join(folder, "mutant.o")
        made = build.object_of(mutant.path, patched, added)
        if made.returncode != 0:
            return False, "it does not compile: " + what_failed(made.stdout)
        # Programs look for one another where they lie.
        os.mkdir(os.path.join(folder, "bin"))
        for path in glob.glob(os.path.join(build.folder, "bin", "*")):
            if not os.path.basename(path).startswith("test_"):
                os.symlink(path, os.path.join(folder, "bin", os.path.basename(path)))
        return try_tests(build, mutant, added, folder, seeds)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--seeds", type=int, default=2000)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    mutants = [Mutant(path) for path in sorted(glob.glob(os.path.join(HERE, "*.patch")))]
    chosen = [one for one in mutants if not options.names or any(word in one.name for word in options.names)]
    failed = 0
    with tempfile.TemporaryDirectory(prefix="mutants.") as scratch, \
            concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        build = Build(options.build, scratch)

        def one(mutant):
            begun = time.monotonic()
            caught, text = try_one(build, mutant, options.seeds)
            return caught, text, time.monotonic() - begun

        for mutant, (caught, text, took) in zip(chosen, pool.map(one, chosen)):
            print("%s  %-36s %5.1f s  %s" % ("caught" if caught else "FAILED", mutant.name, took, text), flush=True)
            failed += not caught
    print("sum: of %d planted errors %d are found" % (len(chosen), len(chosen) - failed))
    print("%d passed, %d failed" % (len(chosen) - failed, failed))
    sys.exit(1 if failed or not chosen else 0)


main()
