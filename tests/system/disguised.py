"""The system tests once more, with the daemons under something that sees what else is wrong:

    disguised.py threads     built with ThreadSanitizer (in build/tsan)
    disguised.py valgrind    head, workers and executors under valgrind
    disguised.py clock       a head whose wall clock is a day ahead of everybody else's

Words behind it name tests (kills, zoo), if it is not to be all.

The last two take the preset release, in a folder where a script stands for a program and becomes the real
one: neither goes with a sanitizer. What valgrind or the sanitizer finds fails the run, also where the
tests were content.

Not under valgrind: the tool `assay`, trials and what forks native ones, a worker's helpers (an unpacker,
a remover), redis-server. Before Linux 6.5 workers neither, since valgrind 3.19 has no pidfd_open and they
get theirs from a socket. All limits of tests are SLOWER times as long. a_start_is_quick and
a_stranger_who_knocks_for_ever_fills_nothing are skipped, being about speed; and whether a trial was begun
only once is not looked at: a node that is away for ten seconds is lost, and so slow ones may be.
Failpoints are not in this preset, so their tests are skipped. zoo_peer comes from ASSAY_BIN, and without
it the zoo is skipped.
"""
import glob
import os
import re
import socket
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TESTS = sorted(glob.glob(os.path.join(HERE, "test_*.py"))) + sorted(
    glob.glob(os.path.join(ROOT, "tests", "security", "test_*.py")))

# Not silent after a fork: an executor is its own starter's child.
VALGRIND = ("valgrind -q --vgdb=no --child-silent-after-fork=no --leak-check=full "
            "--errors-for-leak-kinds=definite --show-leak-kinds=definite --log-file='%s/valgrind.%%p'")
SLOWER = "10"
SO_PEERPIDFD = 77
FAKETIME = "/usr/lib/*/faketime/libfaketimeMT.so.1"


def link_all(source, folder):
    """Links, not copies or symbolic ones: a program looks for its siblings where it lies itself."""
    os.mkdir(folder)
    for path in glob.glob(os.path.join(source, "*")):
        if os.path.isfile(path):
            os.link(path, os.path.join(folder, os.path.basename(path)))


def disguise(folder, programs, before):
    """Scripts named as the programs, which become them: BEFORE goes in front of a path. Each of them
    lies in a folder of its own, where it finds the others disguised."""
    release = os.path.join(ROOT, "build", "release", "bin")
    peer = os.path.join(os.environ.get("ASSAY_BIN", ""), "zoo_peer")  # this preset has no tests' programs
    for name in ["bin"] + programs:
        link_all(release, os.path.join(folder, name))
        if os.path.exists(peer) and name == "bin":
            os.symlink(peer, os.path.join(folder, name, "zoo_peer"))
        for program in programs:
            if program == name:
                continue
            path = os.path.join(folder, name, program)
            os.unlink(path)
            with open(path, "w", encoding="utf-8") as script:
                script.write("#!/bin/sh\nexec %s %s/%s/%s \"$@\"\n" % (before, folder, program, program))
            os.chmod(path, 0o755)
    return os.path.join(folder, "bin")


def has_peerpidfd():
    one, other = socket.socketpair(socket.AF_UNIX)
    with one, other:
        try:
            os.close(one.getsockopt(socket.SOL_SOCKET, SO_PEERPIDFD))
        except OSError:
            return False
    return True


def programs_of(mode, folder):
    """The folder of programs to test, and what the environment needs."""
    if mode == "threads":
        with open(os.path.join(folder, "build.log"), "w", encoding="utf-8") as log:
            for words in (["cmake", "--preset", "tsan"], ["ninja", "-C", "build/tsan"]):
                if subprocess.run(words, cwd=ROOT, stdout=log, stderr=log).returncode != 0:
                    sys.exit("the preset tsan does not build: %s" % open(log.name).read()[-3000:])
        return os.path.join(ROOT, "build", "tsan", "bin"), {
            "TSAN_OPTIONS": "ignore_noninstrumented_modules=1:exitcode=99:log_path=%s/tsan" % folder}
    if mode == "valgrind":
        daemons = ["assay-head", "assay-executor"] + ["assay-worker"] * has_peerpidfd()
        print("under valgrind: %s" % " ".join(daemons))
        return disguise(folder, daemons, VALGRIND % folder), {"ASSAY_SLOWER": SLOWER}
    library = glob.glob(FAKETIME)
    if not library:
        sys.exit("libfaketime is not installed: apt-get install faketime")
    return disguise(folder, ["assay-head"],
                    "env LD_PRELOAD=%s FAKETIME=+1d FAKETIME_DONT_FAKE_MONOTONIC=1" % library[0]), {}


def run_tests(tests, programs, env):
    passed = failed = 0
    for test in tests:
        done = subprocess.run([sys.executable, test], env=dict(os.environ, ASSAY_BIN=programs, **env),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        print("---- %s\n%s" % (os.path.relpath(test, ROOT), done.stdout))
        found = re.findall(r"^(\d+) passed, (\d+) failed", done.stdout, re.M)
        passed += sum(int(one[0]) for one in found)
        failed += sum(int(one[1]) for one in found)
        if not found or (done.returncode != 0 and not int(found[-1][1])):
            failed += 1
    return passed, failed


def findings(folder):
    """What was seen beside the tests. valgrind says of itself what it does not know: no finding."""
    texts = []
    for path in glob.glob(os.path.join(folder, "valgrind.*")) + glob.glob(os.path.join(folder, "tsan.*")):
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = [line for line in file if re.match(r"==\d+== \S|WARNING: ThreadSanitizer", line)]
        if lines:
            texts.append("---- %s\n%s" % (os.path.basename(path), open(path, errors="replace").read()))
    return texts


def main():
    mode = sys.argv[1] if len(sys.argv) > 1 else ""
    known = {os.path.basename(one)[len("test_"):-len(".py")]: one for one in TESTS}
    names = sys.argv[2:] or list(known)
    if mode not in ("threads", "valgrind", "clock") or not set(names) <= set(known):
        sys.exit(__doc__)
    # Beside the programs, so that they can be linked; the tests' own folders lie where they like.
    with tempfile.TemporaryDirectory(prefix="disguised-", dir=os.path.join(ROOT, "build")) as folder:
        programs, env = programs_of(mode, folder)
        passed, failed = run_tests([known[name] for name in names], programs, env)
        found = findings(folder)
    for text in found:
        print(text)
    print("%d passed, %d failed" % (passed, failed + len(found)))
    sys.exit(1 if failed or found else 0)


main()
