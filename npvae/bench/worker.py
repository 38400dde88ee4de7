"""A separate process for each contender, so that no library disturbs another one's threads or memory.

It reads requests from its standard input, one JSON object in each line, and answers each with another object:

    {"assign": [workload, contender]}                                         ->   {}
    {"check": path}       write loss and gradients into an .npz file          ->   {}
    {"run": seconds}      as many steps as fit into them, at least three      ->   {"times": [seconds, …]}
    {"profile": seconds}  the same under a profiler, at least one; for ours   ->   {"profile": {operation: …}}

If anything goes wrong, the answer is {"error": sentence}. The parent process sets the number of threads.
"""

import json
import os
import sys
import time

SAMPLES = 20  # for the comparison of log-likelihoods
LEAST_STEPS = 3


class Worker:
    """Answers the requests, with one method for each."""

    def assign(self, workload, contender):
        """Remember what to build."""
        from .contenders import Contender
        from .workloads import Workload

        self.workload = Workload(**workload | {"layers": tuple(workload["layers"])})
        self.contender, self.runner = Contender(**contender), None
        return {}

    def _build(self, dtype):
        from .contenders import build

        return build(self.contender, self.workload, dtype)

    def check(self, path):
        """Write loss and gradients in float64, for the same weights, minibatch and noise in every contender.

        In float32 a mistake would look like rounding: after several batch normalizations, two correct programs differ
        by 10⁻³ and more.
        """
        import numpy as np

        eps = self.workload.noise(self.workload.samples if self.workload.trains else SAMPLES)
        x = self.workload.minibatches()[0]
        loss, gradients = self._build(np.float64).loss_and_gradients(x.astype(np.float64), eps.astype(np.float64))
        np.savez(path, np.float64(loss), *map(np.asarray, gradients))
        return {}

    def run(self, seconds):
        """Return the time of each step, in seconds; the steps are in float32."""
        self.runner = self.runner or self._build("float32")
        times = []
        start = now = time.perf_counter()
        while now - start < seconds or len(times) < LEAST_STEPS:
            self.runner.step()
            before, now = now, time.perf_counter()
            times.append(now - before)
        return {"times": times}

    def profile(self, seconds):
        """Return where the time of our own steps goes."""
        from .profile import profile

        return {"profile": profile(self.runner.step, seconds)}


def main():
    """Answer requests until the input ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    os.dup2(2, 1)  # what a library prints must not look like an answer
    worker = Worker()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if "assign" in request:
                answer = worker.assign(*request["assign"])
            elif "check" in request:
                answer = worker.check(request["check"])
            elif "run" in request:
                answer = worker.run(request["run"])
            else:
                answer = worker.profile(request["profile"])
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
        answers.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
