"""What all contenders have in common: minibatches, one after another."""


class Steps:
    """A contender in a workload; a subclass defines `step`, and `loss_and_gradients(x, eps)` for the comparison.

    workload      a `Workload`
    minibatches   a list of arrays (batch, D), which the steps go through in turn
    """

    def __init__(self, workload, minibatches):
        self.workload = workload
        self.take(minibatches)

    def take(self, minibatches):
        """Minibatches for the next steps."""
        self.minibatches, self.steps = [self.convert(x) for x in minibatches], 0

    def convert(self, x):
        """The array x as the library wants it."""
        return x

    def next_minibatch(self):
        """The next of them, the first one after the last."""
        self.steps += 1
        return self.minibatches[(self.steps - 1) % len(self.minibatches)]

    def chunks(self, chunk):
        """Return into how many chunks the samples are cut, and their size, which is at most the one given."""
        chunk = min(chunk, self.workload.samples)
        if self.workload.samples % chunk:
            raise ValueError(f"{self.workload.samples} samples are no multiple of {chunk}")
        return self.workload.samples // chunk, chunk
