"""A warm process that forks: each child is one command line, to which something happens on the way.

It speaks JSON, a line a request and a line an answer.  Started by :mod:`benchmarks.reliability.sandbox`, with the
library of ``faults.c`` preloaded; a child takes a tenth of a second where a process of its own would take three.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import json
import os
import signal
import sys
import time
from typing import Any


def main() -> None:
    """Answer requests until there are no more."""
    from acyclome.cli import main as acyclome

    for line in sys.stdin:
        asked = json.loads(line)
        if "warm" in asked:
            print(json.dumps({"code": acyclome(asked["warm"])}), flush=True)
            gc.collect()
            gc.freeze()  # what is collected in a child is copied first
            continue
        began = time.monotonic()
        child = os.fork()
        if not child:
            try:
                begin(asked)
            except KeyboardInterrupt:  # the signal came before there was a command line
                os._exit(130)
            end(acyclome())
        answer = watched(child, began, asked)
        print(json.dumps(answer), flush=True)


def begin(asked: dict[str, Any]) -> None:
    """Become a process of the command line, whose calls of the system are counted."""
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    output = os.open(asked["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    errors = os.open(asked["errors"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for descriptor, number in ((nothing, 0), (output, 1), (errors, 2)):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(asked["cwd"])
    sys.argv = ["acyclome", *asked["words"]]
    log = os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600) if asked["log"] else -1
    numbers = [asked[name] for name in ("error", "signal", "lasts")]
    ctypes.CDLL(None).chaos_arm(os.fsencode(asked["folder"]), ctypes.c_long(asked["at"]), *numbers, log)


def end(code: int) -> None:
    """Leave as Python does, without taking down all modules one by one, which takes as long as the run."""
    gc.collect()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def watched(child: int, began: float, asked: dict[str, Any]) -> dict[str, Any]:
    """Wait for the end of a child, and send it a signal after some seconds if that is asked for."""
    sent = None
    while True:
        done, status, used = os.wait4(child, os.WNOHANG)
        now = time.monotonic()
        if done:
            break
        if sent is None and asked["after"] is not None and now - began >= asked["after"]:
            os.kill(child, asked["signal"])
            sent = time.monotonic()
        if now - began > asked["limit"]:
            os.kill(child, signal.SIGKILL)
            os.wait4(child, 0)
            return {"code": None, "seconds": now - began, "answered": None, "cpu": 0.0}
        time.sleep(0.001)
    return {
        "code": os.waitstatus_to_exitcode(status),
        "seconds": now - began,
        "answered": None if sent is None else now - sent,
        "cpu": used.ru_utime + used.ru_stime,
    }


if __name__ == "__main__":
    main()
