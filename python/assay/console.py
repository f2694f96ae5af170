"""What people see while an experiment runs: Ray Tune's status block and results, of the documents
that `assay run --json` prints."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

SHOWN = (
    ("episode_reward_mean", "rew"),
    ("mean_loss", "loss"),
    ("mean_accuracy", "acc"),
)


def status_block(status: Mapping[str, Any], hostname: str) -> str:
    """The block of a STATUS document (docs/JSON.md). hostname: of this machine."""
    experiment = status["experiment"]
    lines = ["== Status ==", status["scheduler"].rstrip("\n")]
    lines.append("Resources requested: " + _usage(status))
    lines.append(
        "Memory usage on this node: %.1f/%.1f GB"
        % (status["memory_used"] / 1e9, status["memory_total"] / 1e9)
    )
    if experiment["why"]:
        lines.append("Ended: " + experiment["why"].split("\n")[0])
    if experiment["created"]:
        lines.append("Result logdir: " + experiment["folder"])
        lines.append(
            "Number of trials: %d (%r)" % (sum(status["states"].values()), status["states"])
        )
        for state in sorted(status["states"]):
            lines += _group(state, status, hostname)
    return "\n".join(lines) + "\n\n"


def _usage(status: Mapping[str, Any]) -> str:
    usage = ["%.10g/%.10g %s" % (u["used"], u["total"], n) for n, u in status["resources"].items()]
    if status["nodes"] == 0 or len(usage) < 2:
        return "?"
    return ", ".join(usage[:2]) + (" (%s)" % ", ".join(usage[2:]) if usage[2:] else "")


def _group(state: str, status: Mapping[str, Any], hostname: str) -> list[str]:
    rows = [
        " - %s:\t%s" % (t["name"], progress(t, hostname))
        for t in status["trials"]
        if t["state"] == state
    ]
    hidden = status["states"][state] - len(rows)
    if hidden > 0:
        rows.insert(len(rows) // 2, "  ... %d not shown" % hidden)
    return ["%s trials:" % state, *rows]


def progress(trial: Mapping[str, Any], hostname: str) -> str:
    """What stands behind a trial's name: `RUNNING, [1 CPUs, 0 GPUs], [pid=7], 0 s, 5 iter`."""
    words = [trial["state"]]
    result = trial["last_result"]
    if trial["failures"]:
        words.append("%d failures: %s/stderr" % (trial["failures"], trial["folder"]))
    if result is None:
        return ", ".join(words)
    words.append("[%s]" % trial["resources"])
    host = result.get("hostname")
    elsewhere = host + " " if host and host != hostname else ""
    words.append("[%spid=%s]" % (elsewhere, result.get("pid")))
    words.append("%d s" % (result.get("time_total_s") or 0))
    for key, unit in (("training_iteration", "iter"), ("timesteps_total", "ts")):
        if result.get(key) is not None:
            words.append("%s %s" % (result[key], unit))
    for key, unit in SHOWN:
        value = result.get(key)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            words.append("%s %s" % ("%.3g" % value, unit))
    return ", ".join(words)


def result_block(trial: Mapping[str, Any]) -> str:
    """`Result for NAME:` and its last result, without config and what is null."""
    result = {k: v for k, v in trial["last_result"].items() if v is not None and k != "config"}
    body = "".join("  %s\n" % line for line in _yaml_map(result))
    return "Result for %s:\n%s  \n" % (trial["name"], body)


def _yaml_map(value: Mapping[str, Any]) -> list[str]:
    lines = []
    for key in sorted(value):
        inner = value[key]
        name = _yaml_text(str(key))
        if isinstance(inner, Mapping) and inner:
            lines += [name + ":", *("  " + line for line in _yaml_map(inner))]
        elif isinstance(inner, list) and inner:
            lines += [name + ":", *("- " + scalar(item) for item in inner)]
        else:
            lines.append("%s: %s" % (name, scalar(inner)))
    return lines


def scalar(value: Any) -> str:
    """A value in YAML, on one line."""
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, float):
        return _yaml_float(value)
    if isinstance(value, str):
        return _yaml_text(value)
    return json.dumps(value)


def _yaml_float(value: float) -> str:
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    text = repr(value)
    return text.replace("e", ".0e") if "e" in text and "." not in text else text


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"[-+]?(\d[\d_]*(\.[\d_]*)?|\.[\d_]+)([eE][-+]\d+)?", text))


def _yaml_text(text: str) -> str:
    """Quoted where it would be read as something else."""
    bare = re.fullmatch(r"[A-Za-z0-9_./@][A-Za-z0-9_./@ ,=+-]*", text)
    if text.lower() in ("true", "false", "yes", "no", "on", "off", "null"):
        bare = None
    if bare is None or text != text.strip() or _is_number(text):
        return "'%s'" % text.replace("'", "''") if "\n" not in text else json.dumps(text)
    return text
