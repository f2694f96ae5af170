"""Completion as the three shells really do it, with a head there and with none."""
import os
import pty
import re
import select
import shutil
import subprocess
import time

from cluster import BIN, Head, case, main
from expect import Skip, check, equal
from experiments import submit
from processes import read_text


def shell_env(scene, home=None):
    env = scene.env(home)
    env["PATH"] = BIN + os.pathsep + env.get("PATH", "")
    env["LC_ALL"] = "C.UTF-8"
    env["TERM"] = "dumb"
    return env


def need(name):
    if shutil.which(name) is None:
        raise Skip("%s is not here" % name)


def said(scene, argv, home=None):
    done = subprocess.run(argv, env=shell_env(scene, home), cwd=scene.folder, timeout=30,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    equal(done.stderr, b"", "what %s says on stderr" % argv[-1])
    return done.stdout.decode().split("\n")[:-1]


def bash(scene, *words, home=None):
    """What bash is given for these words, of which the last is at the cursor."""
    script = ('source <(assay completion bash); compopt() { :; }; COMP_WORDS=(assay "$@");'
              'COMP_CWORD=$#; _assay; [ ${#COMPREPLY[@]} = 0 ] || printf "%s\\n" "${COMPREPLY[@]}"')
    return said(scene, ["bash", "--norc", "--noprofile", "-c", script, "bash"] + list(words), home)


def fish(scene, line, home=None):
    """What fish offers for a line, without what it says of it."""
    lines = said(scene, ["fish", "--no-config", "-c",
                         "assay completion fish | source; complete -C \"$argv[1]\"", line], home)
    return [one.split("\t")[0] for one in lines]


def zsh(scene, line, home=None):
    """The line as zsh leaves it when Tab is pressed at its end: on a terminal, as only that does."""
    master, slave = pty.openpty()
    process = subprocess.Popen(["zsh", "-f", "-i"], env=shell_env(scene, home), cwd=scene.folder,
                               stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    os.close(slave)
    target = scene.path("line")
    set_up = ("unsetopt beep; bindkey -e; autoload -Uz compinit; compinit -u -D; "
              "source <(assay completion zsh); keep() { print -r -- \"$BUFFER\" > %s.new; "
              "mv %s.new %s; }; zle -N keep; bindkey '^T' keep; print read''y\n"
              % (target, target, target))
    out = b""

    def read_until(done, what):
        nonlocal out
        until = time.monotonic() + 20
        while not done():
            check(time.monotonic() < until, "zsh: %s: %r" % (what, out[-600:]))
            if select.select([master], [], [], 0.05)[0]:
                out += os.read(master, 65536)

    try:
        if os.path.exists(target):
            os.unlink(target)
        os.write(master, set_up.encode())
        read_until(lambda: re.search(rb"[\r\n]ready", out), "no prompt")
        os.write(master, line.encode() + b"\t\x14")
        read_until(lambda: os.path.exists(target), "no line")
        return read_text(target).rstrip("\n")
    finally:
        process.kill()
        process.wait()
        os.close(master)


def experiment(scene, head):
    """One that waits for a worker which never comes."""
    file = scene.write("e.yaml", "name: tried one\nrun: {command: 'true'}\ncode: none\n"
                                 "num_samples: 3\nlocal_dir: %s\n" % scene.path("results"))
    return submit(head, file)


@case
def bash_completes(scene):
    need("bash")
    scene.write("file one.yaml", "")
    equal(bash(scene, "st"), ["status", "stop"], "verbs")
    equal(bash(scene, "trials", "--st"), ["--state"], "flags")
    equal(bash(scene, "run", "--mode", "=", "m"), ["max", "min"], "values, as bash splits them")
    equal(bash(scene, "run", "--scheduler", "as"), ["async_hyperband", "asha"], "schedulers")
    check("--port" in bash(scene, "head", "--"), "flags of the head")
    check("--cpus" in bash(scene, "worker", "--"), "flags of the worker")
    equal(bash(scene, "replay", "--u"), ["--until"], "flags of replay")
    check("file one.yaml" in bash(scene, "run", "fi"), "files")
    equal(bash(scene, "stop", ""), ["last", "all"], "selectors with no head")


@case
def fish_completes(scene):
    need("fish")
    scene.write("one.yaml", "")
    equal(sorted(fish(scene, "assay st")), ["status", "stop"], "verbs")
    equal(fish(scene, "assay trials --st"), ["--state"], "flags")
    equal(sorted(fish(scene, "assay run --mode=m")), ["--mode=max", "--mode=min"], "values")
    equal(sorted(fish(scene, "assay token create --role ")), ["admin", "read", "submit", "worker"],
          "roles")
    equal(fish(scene, "assay run on"), ["one.yaml"], "files")
    equal(fish(scene, "assay status la"), ["last"], "selectors with no head")


@case
def zsh_completes(scene):
    need("zsh")
    scene.write("one two.yaml", "")
    equal(zsh(scene, "assay expl"), "assay explain ", "a verb")
    equal(zsh(scene, "assay trials --sta"), "assay trials --state ", "a flag")
    equal(zsh(scene, "assay run --mode=mi"), "assay run --mode=min ", "a value")
    equal(zsh(scene, "assay run on"), "assay run one\\ two.yaml ", "a file")
    equal(zsh(scene, "assay run --save=on"), "assay run --save=one\\ two.yaml ", "a flag's file")


@case
def the_head_names_what_it_has(scene):
    head = Head(scene)
    experiment(scene, head)
    token = head.assay("token", "create", "--role", "read").out.strip()
    ids = [one["id"] for one in head.assay("token", "list", "--json").json()["tokens"]]
    check(token and ids, "a token")
    if shutil.which("bash"):
        equal(bash(scene, "status", "", home=head.home), ["last", "1", "tried\\ one"], "experiments")
        equal(bash(scene, "explain", "", home=head.home), ["1/", "tried\\ one/"], "before the trials")
        equal(sorted(bash(scene, "logs", "1/", home=head.home)), ["1/0", "1/1", "1/2"], "trials")
        equal(bash(scene, "best", "1/", home=head.home), [], "no trials where none may be")
        equal(sorted(bash(scene, "token", "revoke", "", home=head.home)), sorted(ids), "tokens")
    if shutil.which("fish"):
        equal(sorted(fish(scene, "assay show 1/", head.home)), ["1/0", "1/1", "1/2"], "fish: trials")
    if shutil.which("zsh"):
        equal(zsh(scene, "assay explain 1", head.home), "assay explain 1/", "zsh: no blank behind /")
        equal(zsh(scene, "assay rm tri", head.home), "assay rm tried\\ one ", "zsh: quotes")


@case
def a_head_that_does_not_answer_holds_nobody_up(scene):
    head = Head(scene)
    head.daemon.kill(19)  # SIGSTOP: it is there, and says nothing
    begun = time.monotonic()
    done = head.assay("complete", "--", "stop", "")
    took = time.monotonic() - begun
    head.daemon.kill(18)
    equal((done.out, done.err), ("words\nlast\tThe last experiment\nall\tEvery experiment\n", ""),
          "what is known without it")
    check(took < 5, "it took %.1f s" % took)


@case
def looking_uses_no_token_up(scene):
    head = Head(scene)
    token = scene.token(head, "read", "read.token")
    env = {"ASSAY_ADDRESS": head.address, "ASSAY_TOKEN_FILE": token}
    scene.assay("complete", "--", "status", "", home=scene.home("other"), env=env)
    left = [one["uses_left"] for one in head.assay("token", "list", "--json").json()["tokens"]]
    equal(left, [1], "uses that are left")


@case
def help_is_the_same_by_letter(scene):
    for verb in ("head", "worker", "replay", "status"):
        short, whole = scene.assay(verb, "-h"), scene.assay(verb, "--help")
        equal(short.out, whole.out, verb)
        check("--help" in whole.out and "example: assay " + verb in whole.out, whole.out)


@case
def scripts_are_for_three_shells(scene):
    result = scene.assay("completion", "tcsh", status=2)
    check("bash, zsh or fish" in result.err, result.err)
    check("completion" in scene.assay("help").out, "help lists it")
    check("complete " not in scene.assay("help").out, "help does not list what scripts ask")


if __name__ == "__main__":
    main()
