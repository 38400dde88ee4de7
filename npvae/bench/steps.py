"""What all contenders have in common: they take one minibatch after another."""


class Steps:
    """A contender's runner; a subclass defines `step`, and `loss_and_gradients(x, eps)` for the comparison.

    workload      a `Workload`
    minibatches   a list of arrays (batch, D), which the steps go through in turn
    """

    def __init__(self, workload, minibatches):
        self.workload = workload
        self.take(minibatches)

    def take(self, minibatches):
        """Use these minibatches for the next steps."""
        self.minibatches, self.steps = [self.convert(x) for x in minibatches], 0

    def convert(self, x):
        """Return the array x in the form that the library needs."""
        return x

    def next_minibatch(self):
        """Return the next minibatch; after the last one comes the first."""
        self.steps += 1
        return self.minibatches[(self.steps - 1) % len(self.minibatches)]

    def chunks(self, chunk):
        """Cut the samples into chunks of at most `chunk`; return the number of chunks, and their size."""
        chunk = min(chunk, self.workload.samples)
        if self.workload.samples % chunk:
            raise ValueError(f"{self.workload.samples} samples are not a multiple of {chunk}")
        return self.workload.samples // chunk, chunk
