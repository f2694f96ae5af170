"""Bad input, a row each: what is done, with which exit status it is refused, and what is said.

Said is a part of the first line; what stands there as `L:C` is held to be FILE:LINE:COL of a file's row.
How rows of a kind are done stands in test_bad_input.py.
"""

RUN = b"run: {command: 'true'}\n"


def nested(depth):
    return RUN + b"config: {a: " + b"[" * depth + b"]" * depth + b"}\n"


def bomb(levels, width):
    """Each anchor is `width` aliases of the one before."""
    lines = [b"config:", b"  a0: &a0 [x, x, x, x, x, x, x, x]"]
    for level in range(1, levels):
        aliases = b", ".join([b"*a%d" % (level - 1)] * width)
        lines.append(b"  a%d: &a%d [%s]" % (level, level, aliases))
    return RUN + b"\n".join(lines) + b"\n"


# ---- what is done; the file; LINE:COL ("" for none); said. Status 2, by `assay run FILE`.
FILES = [
    ("an empty file", b"", "1:1", "nothing in it"),
    ("only a comment", b"# later\n", "", "nothing in it"),
    ("a list", b"- run\n", "1:1", "an experiment is a map"),
    ("a word", b"train\n", "1:1", "an experiment is a map"),
    ("an unknown key", RUN + b"num_sample: 3\n", "2:1", "num_sample"),
    ("an unknown key inside", RUN + b"scheduler: {type: asha, metric: x, mode: max, grace: 1}\n",
     "2:47", "grace"),
    ("no run", b"num_samples: 3\n", "1:1", "run"),
    ("two things to run", b"run: {command: a, native: b.so}\n", "1:1", "run"),
    ("an empty command", b"run: {command: ''}\n", "1:7", "command"),
    ("a command that takes on trials", b"run: {command: a, reuse: true}\n", "1:19", "cannot be handed"),
    ("reuse of what is fresh each time", b"run: {python: 'a:b', reuse: true}\nstart: exec\n", "1:22",
     "fresh process"),
    ("an open quote in the command", b"run: {command: \"a 'b\"}\n", "1:7", "quote"),
    ("an unknown name in the command", b"run: {command: 'a {lr}'}\n", "1:7", "lr"),
    ("a text for a number", RUN + b"num_samples: ten\n", "2:1", "num_samples"),
    ("a part of a sample", RUN + b"num_samples: 1.5\n", "2:1", "num_samples"),
    ("a time that is none", RUN + b"time_limit: soon\n", "2:1", "time_limit"),
    ("no time at all", RUN + b"report_timeout: 0s\n", "2:1", "report_timeout"),
    ("a time of thousands of years", RUN + b"time_limit: 2000000d\n", "2:1", "time_limit"),
    ("no checkpoint to keep", RUN + b"keep_checkpoints_num: 0\n", "2:1", "keep_checkpoints_num"),
    ("a word for yes", RUN + b"checkpoint_at_end: perhaps\n", "2:1", "checkpoint_at_end"),
    ("a score of nothing", RUN + b"checkpoint_score_attr: min-\n", "2:1", "names no field"),
    ("less than none", RUN + b"num_samples: -1\n", "2:1", "num_samples"),
    ("too many samples", RUN + b"num_samples: 100000001\n", "2:1", "num_samples"),
    ("a number beyond 64 bits", RUN + b"num_samples: 99999999999999999999999\n", "2:14",
     "64 bits"),
    ("a number beyond a double", RUN + b"config: {a: 1e999}\n", "2:13", "too big"),
    ("a number of 4,000 digits", RUN + b"num_samples: " + b"9" * 4000 + b"\n", "2:14",
     "64 bits"),
    ("bounds that are swapped", RUN + b"config: {a: {uniform: [2, 1]}}\n", "2:10", "uniform"),
    ("a point that is no list", RUN + b"points_to_evaluate: {a: 1}\n", "2:1", "list of"),
    ("a point out of its domain", RUN + b"config: {a: {b: {randint: [1, 9]}}}\nnum_samples: 2\n"
     b"points_to_evaluate:\n  - {a: {b: 1}}\n  - {a: {b: 9}}\n", "6:10", "from 1 to 8"),
    ("a point with a name that config has not", RUN + b"config: {width: {randint: [1, 9]}}\n"
     b"points_to_evaluate: [{widht: 3}]\n", "3:23", "widht"),
    ("a point against a constant", RUN + b"points_to_evaluate: [{a: 1}]\nconfig: {a: 2}\n", "2:23",
     "config says"),
    ("more points than samples", RUN + b"points_to_evaluate: [{}, {}]\n", "2:1", "num_samples"),
    ("more domains than dimensions", RUN + b"search: sobol\nconfig:\n" + b"".join(
        b"  k%d: {uniform: [0, 1]}\n" % n for n in range(300)), "260:3", "256 dimensions"),
    ("a bound that is none", RUN + b"config: {a: {uniform: [0, .nan]}}\n", "2:10", "uniform"),
    ("a bound of a logarithm", RUN + b"config: {a: {loguniform: [0, 1]}}\n", "2:10", "loguniform"),
    ("one bound", RUN + b"config: {a: {randint: [1]}}\n", "2:10", "randint"),
    ("a text for bounds", RUN + b"config: {a: {randint: '1..2'}}\n", "2:10", "randint"),
    ("a choice of nothing", RUN + b"config: {a: {choice: []}}\n", "2:10", "choice"),
    ("a grid of nothing", RUN + b"config: {a: {grid_search: []}}\n", "2:10", "grid_search"),
    ("a grid of 10^9 trials", RUN + b"config: {" + b", ".join(
        b"k%d: {grid_search: [%s]}" % (i, b",".join(b"%d" % n for n in range(1000)))
        for i in range(3)) + b"}\n", "", "trials"),
    ("an unknown scheduler", RUN + b"scheduler: ashaa\n", "2:1", "ashaa"),
    ("a scheduler that lacks a metric", RUN + b"scheduler: asha\n", "2:1", "metric"),
    ("an unknown search", RUN + b"search: bayes\n", "2:1", "bayes"),
    ("results for nobody", RUN + b"on_result: cat\nfiles: [params]\n", "2:1", "files leaves out"),
    ("a mode that is none", RUN + b"metric: x\nmode: most\n", "3:1", "most"),
    ("a stop rule that is a text", RUN + b"stop: {x: soon}\n", "2:8", "x"),
    ("an unknown resource", RUN + b"resources_per_trial: {cpus: 1}\n", "2:23", "cpus"),
    ("less than no cpu", RUN + b"resources_per_trial: {cpu: -1}\n", "2:23", "cpu"),
    ("one and a half devices", RUN + b"resources_per_trial: {gpu: 1.5}\n", "2:23", "gpu"),
    ("a size that is none", RUN + b"resources_per_trial: {memory: 2Q}\n", "2:23", "memory"),
    ("a name that leaves its folder", RUN + b"name: ../../etc\n", "2:1", "name"),
    ("a name of 200 characters", RUN + b"name: " + b"n" * 200 + b"\n", "2:1", "name"),
    ("a variable's name with =", RUN + b"env: {'A=B': c}\n", "2:7", "A=B"),
    ("17 levels", nested(17), "2:27", "inside one another"),
    ("100,000 levels", nested(100000), "", "inside one another"),
    ("aliases that explode", bomb(12, 9), "", "more than"),
    ("an anchor inside itself", RUN + b"config: &a {b: *a}\n", "2:16", "&a"),
    ("an alias of nothing", RUN + b"config: {a: *b}\n", "2:13", "&b"),
    ("a key twice", RUN + b"num_samples: 1\nnum_samples: 2\n", "3:1", "twice"),
    ("a merge key", b"a: &a {x: 1}\nrun: {<<: *a, command: b}\n", "2:7", "merge keys"),
    ("an unknown tag", RUN + b"config: {a: !!python/object:os.system x}\n", "2:39",
     "python/object:os.system"),
    ("a local tag", RUN + b"config: {a: !secret x}\n", "2:21", "!secret"),
    ("a tag that lies", RUN + b"num_samples: !!int ten\n", "2:20", "!!int"),
    ("a list as a key", RUN + b"config: {? [a, b] : 1}\n", "2:12", "key"),
    ("a key that is empty", RUN + b"config: {'': 1}\n", "2:10", "empty"),
    ("two documents", RUN + b"---\n" + RUN, "2:1", "second document"),
    ("a tab as indentation", b"run:\n\tcommand: a\n", "2:", "tab"),
    ("an open quote", RUN + b"name: \"abc\n", "", ""),
    ("an open bracket", RUN + b"config: {a: [1, 2\n", "", ""),
    ("bytes that are not UTF-8", RUN + b"name: caf\xe9\n", "2:", "UTF-8"),
    ("UTF-16", RUN.decode().encode("utf-16"), "1:", ""),
    ("a zero byte", RUN + b"name: a\0b\n", "2:", ""),
    ("an escaped zero byte", RUN + b'name: "a\\0b"\n', "2:7", "zero byte"),
    ("a control character", RUN + b"name: a\x1b[31mb\n", "2:", ""),
    ("a program instead", b"\x7fELF\2\1\1" + bytes(range(256)) * 8, "", ""),
    ("JSON that is cut", b'{"run": {"command": "a"}, "num_sam', "", ""),
    ("JSON with a comma too many", b'{"run": {"command": "a"},, }', "1:", ""),
    ("5 MB", RUN + b"# " + b"x" * 5000000 + b"\n", None, "bytes"),
    ("100,000 keys", RUN + b"config: {" + b",".join(b"k%d: 1" % i for i in range(100000)) + b"}\n",
     "", "more than"),
    ("several, one of them bad", b"a: {run: {command: b}}\nc: {run: {command: d}, stopp: {}}\n",
     "2:24", "stopp"),
    ("several of one name", b"a: {run: {command: b}}\na: {run: {command: d}}\n", "2:1", "twice"),
    ("code that is not there", RUN + b"code: ./nowhere\n", "2:1", "nowhere"),
    ("points that are no maps", RUN + b"search: {type: list, points: [1]}\n", "2:", "points"),
    ("a pattern with an unknown name", RUN + b"trial_name: '{who}'\n", "2:1", "who"),
]

# ---- what is done; words behind `assay`; status; said.
FLAGS = [
    ("no such command", ["rnu"], 2, "no such command"),
    ("a command of 10,000 characters", ["r" * 10000], 2, "no such command"),
    ("an unknown flag", ["run", "--sedd", "1", "--", "a"], 2, "--sedd"),
    ("an unknown letter", ["list", "-q"], 2, "-q"),
    ("a value is missing", ["run", "--seed"], 2, "--seed"),
    ("a time that is none", ["run", "--time-limit", "1x", "--", "a"], 2, "time_limit"),
    ("a number that is none", ["run", "-n", "x", "--", "a"], 2, "num_samples"),
    ("a number beyond 64 bits", ["best", "last", "-n", "99999999999999999999"], 2, "-n"),
    ("less than nothing", ["run", "-n", "-3", "--", "a"], 2, ""),
    ("a duration that is none", ["wait", "last", "--timeout", "1y"], 2, "--timeout"),
    ("a duration without end", ["wait", "last", "--timeout", "999999999999999999h"], 2, "--timeout"),
    ("a value for a flag without", ["list", "--json=yes"], 2, "takes no value"),
    ("excluding: a file and a command", ["run", "a.yaml", "--", "b"], 2, "not both"),
    ("excluding: elsewhere and its own worker",
     ["run", "--address", "h:1", "--worker-cpus", "1", "--", "b"], 2, "--worker-cpus"),
    ("too many operands", ["show", "1", "2"], 2, "too many"),
    ("an operand is missing", ["logs"], 2, "missing"),
    ("no command behind --", ["run", "--"], 2, "behind"),
    ("a command where none is taken", ["list", "--", "a"], 2, "takes no"),
    ("a setting without a value", ["run", "--set", "num_samples", "--", "a"], 2, "num_samples"),
    ("a setting of an unknown key", ["run", "--set", "num_sample=3", "--", "a"], 2, "num_sample"),
    ("a setting inside a number", ["run", "--set", "num_samples.a=3", "--", "a"], 2, "num_samples"),
    ("a setting that is half a map", ["run", "--set", "config={a: [", "--", "a"], 2, ""),
    ("a parameter without a domain", ["run", "-p", "lr", "--", "a"], 2, "lr"),
    ("a parameter of an unknown domain", ["run", "-p", "lr=uniforn:0,1", "--", "a"], 2, "uniforn"),
    ("a role that is none", ["token", "create", "--role", "boss"], 2, "--role"),
    ("a file that is not there", ["run", "nowhere.yaml"], 2, "nowhere.yaml"),
    ("a folder for a file", ["run", "folder"], 2, "folder"),
    ("a FIFO for a file", ["run", "fifo"], 2, "fifo"),
    ("a device for a file", ["run", "/dev/zero"], 2, "/dev/zero"),
    ("an address without a host", ["list", "--address", ":7420"], 2, "--address"),
    ("an address with a port too high", ["list", "--address", "h:70000"], 2, "--address"),
    ("an address with a space", ["list", "--address", "a b"], 2, "--address"),
    ("an address that is empty", ["list", "--address", ""], 3, "no head"),
    ("a Redis without a host", ["list", "--address", "redis://"], 2, "--address"),
    ("a Redis with a port too high", ["list", "--address", "redis://h:70000"], 2, "--address"),
    ("a Redis with a port that is none", ["list", "--address", "redis://h:port"], 2, "--address"),
    ("a Redis with a password in its address", ["list", "--address", "redis://u:p@h"], 2, "--address"),
    ("a Redis behind TLS", ["list", "--address", "rediss://h"], 2, "--address"),
    ("a Redis and a name with a space", ["list", "--address", "redis://h/a b"], 2, "--address"),
    ("a Redis and two names", ["list", "--address", "redis://h/a/b"], 2, "--address"),
    ("a Redis that is not there", ["list", "--address", "redis://127.0.0.1:1"], 3, "refused"),
    ("an address of nobody", ["list", "--address", "127.0.0.1:1"], 4, "never joined"),
    ("a report outside of a trial", ["report", "a=1"], 2, ""),
    ("results of nobody", ["results", "./nowhere"], 2, "nowhere"),
    ("replay of nothing", ["replay", "folder"], 2, "folder"),
    ("replay without a folder", ["replay"], 2, ""),
    ("head: an unknown flag", ["head", "--prot", "1"], 2, "--prot"),
    ("head: a port that is none", ["head", "--port", "http"], 2, "--port"),
    ("head: a port too high", ["head", "--port", "65536"], 2, "--port"),
    ("head: a value is missing", ["head", "--port"], 2, "--port"),
    ("head: an operand", ["head", "now"], 2, "now"),
    ("head: a standby of nobody", ["head", "--standby"], 2, "--standby"),
    ("head: a standby without the keys",
     ["head", "--port", "0", "--data-dir", "hd5", "--redis-address", "127.0.0.1:1", "--standby"], 2,
     "head.key is not there"),
    ("head: an endpoint with a space", ["head", "--advertise", "a b"], 2, "--advertise"),
    ("head: an endpoint without a host", ["head", "--advertise", ":7420"], 2, "--advertise"),
    ("head: an endpoint with a port too high", ["head", "--advertise", "h:70000"], 2, "--advertise"),
    ("head: a name that leaves its folder", ["head", "--name", "../x"], 2, "--name"),
    ("head: an address to listen at that is none",
     ["head", "--port", "0", "--data-dir", "hd1", "--bind", "300.0.0.1"], 2, "300.0.0.1"),
    ("head: a Redis that is not there",
     ["head", "--port", "0", "--data-dir", "hd2", "--redis-address", "127.0.0.1:1"], 2, "127.0.0.1:1"),
    ("head: a Redis that is none",
     ["head", "--port", "0", "--data-dir", "hd3", "--redis-address", "http://x"], 2, "http://x"),
    ("head: an address that is bad",
     ["head", "--port", "0", "--data-dir", "hd4", "--redis-address", "h:port"], 2, "h:port"),
    ("worker: an unknown flag", ["worker", "--cpux", "1"], 2, "--cpux"),
    ("worker: no cpus", ["worker", "--cpus", "0"], 2, "--cpus"),
    ("worker: cpus that are no number", ["worker", "--cpus", "nan"], 2, "--cpus"),
    ("worker: too many devices", ["worker", "--gpus", "65"], 2, "--gpus"),
    ("worker: a size that is none", ["worker", "--memory", "2Q"], 2, "--memory"),
    ("worker: a resource without an amount", ["worker", "--resource", "licence"], 2, "licence"),
    ("worker: a resource twice",
     ["worker", "--resource", "a=1", "--resource", "a=2"], 2, "a=2"),
    ("worker: a name with a slash", ["worker", "--name", "a/b"], 2, "--name"),
    ("worker: no head", ["worker", "--data-dir", "wd1"], 3, "head"),
    ("worker: a Redis with a port that is none",
     ["worker", "--data-dir", "wd1", "--address", "redis://h:port"], 2, "--address"),
    ("worker: a Redis and no token",
     ["worker", "--data-dir", "wd1", "--address", "redis://127.0.0.1:1"], 4, "head"),
    ("worker: a head nobody knows",
     ["worker", "--data-dir", "wd2", "--address", "127.0.0.1:1"], 4, "head"),
]

# ---- what a trial does (speaks.py); how it ends; results that count; said in its row.
TRIALS = [
    ("line of 100 MB", "TERMINATED", 1, ""),
    ("report of 100 MB", "ERROR", 0, "65536"),
    ("stderr of 50 MB", "TERMINATED", 0, ""),
    ("binary", "TERMINATED", 1, ""),
    ("binary report", "ERROR", 0, "UTF-8"),
    ("zero byte", "ERROR", 0, "no report"),
    ("NaN", "TERMINATED", 2, ""),
    ("1e999", "TERMINATED", 1, ""),
    ("8 levels", "TERMINATED", 1, ""),
    ("9 levels", "ERROR", 0, "8 levels"),
    ("30000 levels", "ERROR", 0, "lists and maps inside"),
    ("10000 keys", "ERROR", 0, "512 keys"),
    ("513 keys", "ERROR", 0, "512 keys"),
    ("no JSON", "ERROR", 0, "no report"),
    ("a list", "ERROR", 0, "no report"),
    ("a key twice", "ERROR", 0, "twice"),
    ("an empty key", "TERMINATED", 1, ""),
    ("nothing", "ERROR", 0, "no report"),
    ("half at the end", "ERROR", 1, "no report"),
    ("half and killed", "ERROR", 1, "SIGKILL"),
    ("cut and killed", "ERROR", 1, "SIGKILL"),
    ("whole without an end", "TERMINATED", 1, ""),
    ("nearly reports", "TERMINATED", 1, ""),
    ("reserved keys", "TERMINATED", 1, ""),
    ("a count that is none", "TERMINATED", 1, ""),
    ("done that is none", "TERMINATED", 1, ""),
    ("fd: a frame of 4 GB", "ERROR", 0, "65536"),
    ("fd: a frame of garbage", "ERROR", 0, "frame"),
    ("fd: an empty frame", "ERROR", 0, "frame"),
    ("fd: an unknown kind", "ERROR", 0, "frame"),
    ("fd: a report that is none", "ERROR", 0, "report"),
    ("fd: a key twice", "ERROR", 1, "twice"),
    ("fd: a key twice, deeper", "ERROR", 0, "twice"),
    ("fd: half a frame", "TERMINATED", 0, ""),
    ("fd: a report too deep", "ERROR", 0, ""),
    ("fd: a line without end", "ERROR", 0, "65536"),
    ("fd: garbage", "ERROR", 0, ""),
    ("fd: an error of 60 kB", "ERROR", 0, "eeee"),
]

# ---- what is done; words behind `assay`; $ASSAY_HOME (`file` is a file); status; said.
PLACES = [
    ("a home below a file: run", ["run", "fine.yaml"], "file/sub", 2, "file"),
    ("a home below a file: head", ["head", "--port", "0"], "file/sub", 2, "file"),
    ("a home below a file: worker", ["worker"], "file/sub", 2, "file"),
    ("a home below a file: list", ["list"], "file/sub", 2, "file/sub"),
    ("a home that is a file: head", ["head", "--port", "0"], "file", 2, "file"),
    ("data below a file: head", ["head", "--port", "0", "--data-dir", "file/sub"], "h1", 2, "file"),
    ("data below a file: worker", ["worker", "--data-dir", "file/sub"], "h2", 2, "file"),
    ("data that is a file: head", ["head", "--port", "0", "--data-dir", "file"], "h3", 2, "file"),
    ("data that is a file: worker", ["worker", "--data-dir", "file"], "h4", 2, "file"),
    ("results below a file", ["run", "fine.yaml", "--set", "local_dir=file/sub"], "h5", 2, "file"),
    ("a file to save to below a file", ["run", "fine.yaml", "--save", "file/x.yaml"], "h6", 2, "file"),
]

# ---- what is done; the token's file; status of a command that joins with it; said.
TOKENS = [
    ("an empty token", "empty", 2, "empty"),
    ("a token of blanks", "blank", 2, "empty"),
    ("a token of words", "garbage", 2, "does not begin with"),
    ("a token that is cut", "cut", 2, "cut short"),
    ("a token that goes on", "longer", 2, "cut short"),
    ("a token with a typo", "typo", 2, "checksum"),
    ("a token with a mark", "letters", 2, "characters"),
    ("two tokens", "two", 2, "cut short"),
    ("100,000 letters", "big", 2, "too big"),
    ("zero bytes", "zero", 2, "cut short"),
    ("a folder", "folder", 2, "folder"),
    ("a FIFO", "fifo", 2, "fifo"),
    ("no file", "nowhere", 2, "nowhere"),
    ("in the argument", "argument", 2, "read"),
    ("another head's token", "other head", 4, "key"),
    ("a token that was never made", "other secret", 4, "token"),
]

# ---- what is done to a joined machine's key; how; status; said.
KEYS = [
    ("others may read the key", "mode", 4, "open to other users"),
    ("others may look into its folder", "folder mode", 4, "open to other users"),
    ("the key is another user's", "owner", 4, "another user"),
    ("the key is cut", "cut", 4, "not a key file"),
    ("the key is empty", "empty", 4, "not a key file"),
    ("the key is garbage", "garbage", 4, "not a key file"),
    ("the key goes on", "longer", 4, "not a key file"),
    ("its halves do not fit", "halves", 4, "not a key file"),
    ("the key is a link", "link", 4, "symbolic link"),
    ("the key is a folder", "folder", 4, "not a file"),
    ("the key is a FIFO", "fifo", 4, "not a file"),
    ("the head's own key is garbage", "pin", 4, "known head"),
]

# ---- what stands in last_head; the bytes; status; said.
LAST_HEADS = [
    ("last head empty", b"", 2, "last_head"),
    ("last head garbage", b"\xff\0\1" * 50, 2, "last_head"),
    ("last head cut", b"assay-last-1\naddress 127.0.0.1:1\nkey 00", 2, "last_head"),
]

# ---- what is asked of a head; words behind `assay`; status; said.
REQUESTS = [
    ("uses: none", ["token", "create", "--role", "read", "--uses", "0"], 6, "uses"),
    ("uses beyond 32 bits", ["token", "create", "--role", "read", "--uses", "4294967297"], 2, "--uses"),
    ("no time at all", ["token", "create", "--role", "read", "--expires", "0s"], 6, "time"),
    ("an id that is none", ["token", "revoke", "zz"], 6, "16 hex digits"),
    ("a token nobody made", ["token", "revoke", "0123456789abcdef"], 6, ""),
    ("an experiment nobody has", ["show", "9999"], 6, "9999"),
    ("a number beyond 32 bits", ["show", "99999999999"], 6, "99999999999"),
    ("a trial nobody has", ["logs", "1/9999"], 6, "1/9999"),
    ("the results of nobody", ["results", "1/9999"], 6, "1/9999"),
    ("why there is none", ["explain", "1/9999"], 6, "1/9999"),
    ("a selector of control characters", ["show", "\x1b[31m"], 6, "no experiment"),
    ("to end nobody", ["stop", "9999"], 6, "9999"),
    ("to pause nobody", ["pause", "9999"], 6, "9999"),
    ("to resume nobody", ["resume", "9999"], 6, "9999"),
    ("to pause a trial nobody has", ["pause", "1/9999"], 6, "none of this number"),
    ("to pause nothing", ["pause"], 2, ""),
    ("to remove what runs", ["rm", "1"], 6, ""),
    ("a state that is none", ["trials", "1", "--state", "MAYBE"], 2, "MAYBE"),
    ("no time to wait", ["wait", "1", "--timeout", "0s"], 5, ""),
]

# ---- what stands under the log's key; Redis's commands less the key; status; said.
STREAMS = [
    ("a text", [("SET", "hello")], 2, "log"),
    ("a list", [("RPUSH", "a", "b")], 2, "log"),
    ("a hash", [("HSET", "a", "b")], 2, "log"),
    ("a stream of others, ids by time", [("XADD", "1700000000000-5", "message", "hello")], 2,
     "not written by a head"),
    ("a stream of others, one field", [("XADD", "1-0", "e", "garbage")], 2, "1-0"),
    ("an entry of two fields", [("XADD", "1-0", "e", "a", "f", "b")], 2, "not written by a head"),
    ("an entry of 1 MB", [("XADD", "1-0", "e", b"\xc1" * 1000000)], 2, "1-0"),
    ("the highest id", [("XADD", "18446744073709551615-18446744073709551615", "e", "x")], 2, ""),
]

# A head takes its epoch, which is an entry, before it reads what the older entries say.
EPOCH_IS_TAKEN = ("a stream of others, one field", "an entry of 1 MB")

# Statuses of a head that finds another's entry behind its own.
FENCED = (75,)

# ---- what is done to the append-only file; the file; how; status; said.
AOF = [
    ("garbage", ".incr.aof", lambda data: b"\xff\0garbage\r\n" * 1000, 2, "redis"),
    ("garbage in the middle", ".incr.aof",
     lambda data: data[: len(data) // 2] + b"\xffnonsense\n" + data[len(data) // 2 :], 2, "redis"),
    ("a manifest of garbage", ".manifest", lambda data: b"nonsense\n", 2, "redis"),
    ("a manifest of nothing there", ".manifest",
     lambda data: b"file gone.1.incr.aof seq 1 type i\n", 2, "redis"),
]
