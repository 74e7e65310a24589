"""Runs the command line of openstackclient or of Glance as it is, one call after the other in one process: to start
Python and find all its parts takes longer than what it does. Its name is the argument. A line of JSON in, the
arguments of a call; one out, {code, stdout, stderr}."""

import contextlib
import importlib
import io
import json
import os
import sys

program = sys.argv[1]
shell = {"glance": "glanceclient.shell", "openstack": "openstackclient.shell"}[program]

asked = os.fdopen(os.dup(0))
answers = os.fdopen(os.dup(1), "w")
# A terminal, so that nobody takes what comes in here for the data of an image.
terminal, end = os.openpty()
os.dup2(end, 0)
sys.stdin = os.fdopen(0, closefd=False)


def run(args):
    sys.argv = [program, *args]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = importlib.import_module(shell).main()
        except SystemExit as ending:
            code = ending.code
        except Exception as error:
            code, _ = 1, err.write(repr(error))
    return {"code": code or 0, "stdout": out.getvalue(), "stderr": err.getvalue()}


for line in asked:
    print(json.dumps(run(json.loads(line))), file=answers, flush=True)
