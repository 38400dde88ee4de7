"""How fast npvae is: one run times our training steps side by side with those of each installed peer.

    workloads.py     what is timed
    ours.py          npvae itself
    with_torch.py    the peers, with with_jax.py and with_autograd.py; functional.py is what these two share
    products.py      the lower bound: the matrix products of a step alone
    steps.py         what all contenders have in common
    contenders.py    who takes part
    worker.py        the process of a contender; race.py takes all of them in turn
    costs.py         the time of the import, and memory
    profile.py       where the time of our own steps goes
    growth.py        the time of a step against the sizes of the minibatch and the network
    programs.py      steps per second of whole programs: a training here, and what `npvae export` makes of it
    tables.py        the results as tables
    bench.py         what `npvae bench` does with them
"""
