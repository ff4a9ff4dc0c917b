# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs `sokr check` on plugins of the build, and reads its report. Threads may do so at once."""

import itertools
import json
import os
import subprocess


_count = itertools.count()


class Checked:
    """What the command says of one file, as text and as JSON."""

    def __init__(self, build, plugin, *flags, **variables):
        environment = {key: value for key, value in os.environ.items()
                       if not key.startswith("SOKR_")}
        # A sanitizer leaves signals to who looks at the process, and ends it by one itself.
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            environment[name] = ":".join(filter(None, [
                os.environ.get(name), "handle_segv=0:handle_abort=0:handle_sigbus=0",
                "abort_on_error=1:detect_leaks=0"]))
        environment.update({"SOKR_CACHE_DIR": "", "COLUMNS": "80", **variables})
        report = os.path.join(build, f"check-{os.getpid()}-{next(_count)}.json")
        done = subprocess.run([os.path.join(build, "bin", "sokr"), "check", plugin, *flags,
                               "--json", report], capture_output=True, text=True,
                              env=environment, stdin=subprocess.DEVNULL, check=False)
        self.code, self.text, self.errors = done.returncode, done.stdout, done.stderr
        self.report = None
        if os.path.exists(report):
            with open(report, encoding="utf-8") as file:
                self.report = json.load(file)
            os.remove(report)

    @property
    def plugin(self):
        return self.report["plugins"][0]

    def rules(self, verdict):
        """{id: rule} of all parts."""
        return {rule["id"]: rule for part in self.plugin["parts"] for rule in part["rules"]
                if rule["verdict"] == verdict}

    def broken(self):
        return {rule: what["found"] for rule, what in self.rules("broken").items()}
