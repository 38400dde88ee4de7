"""How fast it is: the same steps, ours and each installed peer's, timed side by side in one run.

    workloads.py     what is timed
    ours.py          npvae; with_torch.py, with_jax.py, with_autograd.py: the peers; functional.py: what two of them share
    products.py      the floor: the same matrix products alone
    contenders.py    who takes part
    worker.py        the process of a contender; race.py: all of them in turn
    costs.py         the import, and memory
    growth.py        the time of a step against the size of the minibatch and of the network
    report.py        tables
"""
