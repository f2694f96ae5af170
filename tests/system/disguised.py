"""The system tests once more, with the daemons under something that sees what else is wrong:

    disguised.py threads     built with ThreadSanitizer (in build/tsan)
    disguised.py valgrind    head and executors under valgrind; it has no pidfd, which a worker needs
    disguised.py clock       a head whose wall clock is a day ahead of everybody else's

The last two take the preset release, in a folder where a script stands for a program and becomes the real
one: neither goes with a sanitizer. What valgrind or the sanitizer finds fails the run, also where the tests were content.
"""
import glob
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TESTS = sorted(glob.glob(os.path.join(HERE, "test_*.py"))) + sorted(
    glob.glob(os.path.join(ROOT, "tests", "security", "test_*.py")))

# An executor under it looks for libraries beside valgrind: the loader has to know where ours lie.
VALGRIND = ("env LD_LIBRARY_PATH=%s/real valgrind -q --vgdb=no --child-silent-after-fork=yes --leak-check=full "
            "--errors-for-leak-kinds=definite --show-leak-kinds=definite --log-file='%s/valgrind.%%p'")
FAKETIME = "/usr/lib/*/faketime/libfaketimeMT.so.1"


def link_all(source, folder):
    """Links, not copies or symbolic ones: a program looks for its siblings where it lies itself."""
    os.mkdir(folder)
    for path in glob.glob(os.path.join(source, "*")):
        if os.path.isfile(path):
            os.link(path, os.path.join(folder, os.path.basename(path)))


def disguise(folder, program, before):
    """A script named as the program, which becomes it: BEFORE goes in front of its path."""
    path = os.path.join(folder, "bin", program)
    os.unlink(path)
    with open(path, "w", encoding="utf-8") as script:
        script.write("#!/bin/sh\nexec %s %s/real/%s \"$@\"\n" % (before, folder, program))
    os.chmod(path, 0o755)


def programs_of(mode, folder):
    """The folder of programs to test, and what the environment needs."""
    if mode == "threads":
        with open(os.path.join(folder, "build.log"), "w", encoding="utf-8") as log:
            for words in (["cmake", "--preset", "tsan"], ["ninja", "-C", "build/tsan"]):
                if subprocess.run(words, cwd=ROOT, stdout=log, stderr=log).returncode != 0:
                    sys.exit("the preset tsan does not build: %s" % open(log.name).read()[-3000:])
        return os.path.join(ROOT, "build", "tsan", "bin"), {
            "TSAN_OPTIONS": "ignore_noninstrumented_modules=1:exitcode=99:log_path=%s/tsan" % folder}
    for name in ("bin", "real"):
        link_all(os.path.join(ROOT, "build", "release", "bin"), os.path.join(folder, name))
    if mode == "valgrind":
        for program in ("assay-head", "assay-executor"):
            disguise(folder, program, VALGRIND % (folder, folder))
        return os.path.join(folder, "bin"), {}
    library = glob.glob(FAKETIME)
    if not library:
        sys.exit("libfaketime is not installed: apt-get install faketime")
    disguise(folder, "assay-head",
             "env LD_PRELOAD=%s FAKETIME=+1d FAKETIME_DONT_FAKE_MONOTONIC=1" % library[0])
    return os.path.join(folder, "bin"), {}


def run_tests(programs, env):
    passed = failed = 0
    for test in TESTS:
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
    mode = sys.argv[1] if len(sys.argv) == 2 else ""
    if mode not in ("threads", "valgrind", "clock"):
        sys.exit(__doc__)
    # Beside the programs, so that they can be linked; the tests' own folders lie where they like.
    with tempfile.TemporaryDirectory(prefix="disguised-", dir=os.path.join(ROOT, "build")) as folder:
        programs, env = programs_of(mode, folder)
        passed, failed = run_tests(programs, env)
        found = findings(folder)
    for text in found:
        print(text)
    print("%d passed, %d failed" % (passed, failed + len(found)))
    sys.exit(1 if failed or found else 0)


main()
