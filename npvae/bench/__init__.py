"""How fast it is: the same steps, ours and each installed peer's, timed side by side in one run.

    workloads.py     what is timed
    ours.py          npvae itself
    with_torch.py    the peers, with with_jax.py and with_autograd.py; functional.py is what these two share
    products.py      the floor: the same matrix products alone
    steps.py         what all contenders have in common
    contenders.py    who takes part
    worker.py        the process of a contender; race.py: all of them in turn
    costs.py         the import, and memory
    profile.py       where the time of our own steps goes
    growth.py        the time of a step against the size of the minibatch and of the network
    tables.py        tables
"""
