"""Proves that the tables fit on a screen and say what was measured, and that goals are judged in the right direction.

These tests would catch a ratio upside down, a goal judged on a busy machine, and a line wider than the screen."""

import json

import pytest

from npvae.bench import bench, contenders, costs, programs, tables
from npvae.bench.contenders import OURS, PRODUCTS
from npvae.bench.race import Result
from npvae.bench.workloads import BY_NAME
from npvae.errors import UserError

RESULTS = [
    Result(OURS, 0.006, 0.0055, 0.0066, 400, 7, profile={"step": 0.006}),
    Result(PRODUCTS, 0.003, 0.0029, 0.0031, 800, 7),
    Result("torch, fused Adam", 0.005, 0.0049, 0.0052, 500, 7, 3e-16),
    Result("torch, compiled", failure="its process ended: no compiler"),
    Result("jax, jit", 0.004, 0.0039, 0.0041, 500, 7, 1e-15),
]


def test_ratios_are_ours_divided_by_the_fastest_peers():
    assert tables.ratios(RESULTS) == ("jax, jit", pytest.approx(1.5), pytest.approx(2.0))
    assert tables.ratios(RESULTS[:2]) == (None, None, pytest.approx(2.0))


@pytest.mark.parametrize("slower, ours", [(1, "6.00 ms"), (300, "1.80 s"), (10_000, "60.00 s")])
def test_the_table(slower, ours):
    def slowed(r):
        return r if r.failure else r._replace(median=r.median * slower, low=r.low * slower, high=r.high * slower)

    results = [slowed(r) for r in RESULTS]
    lines = list(tables.lines(BY_NAME["reference"], results))
    assert max(map(len, lines)) <= 80
    assert ours.split()[0] in lines[2] and f"median {ours.split()[1]} " in lines[1]
    assert any("1.50 times the fastest peer, jax, jit (goal: at most 1, missed)" in line for line in lines)
    assert any("2.00 times its own products (goal: at most 1.6, missed)" in line for line in lines)
    assert any("torch, compiled" in line and "no compiler" in line for line in lines)
    ours_to_it = {line[2:21].strip(): line[53:62].strip() for line in lines[2:7] if "no compiler" not in line}
    assert ours_to_it == {OURS: "", PRODUCTS: "2.00", "torch, fused Adam": "1.20", "jax, jit": "1.50"}
    small = [line.strip() for line in tables.lines(BY_NAME["small"], results)]
    assert "2.00 times its own products" in small            # only the reference network has the second goal


def test_where_the_time_goes():
    profile = {"step": 0.010, "mean": [0.0001, 0.0001], "relu": [0.001, 0.002], "dense": [0.002, 0.003]}
    results = [RESULTS[0]._replace(profile=profile), *RESULTS[1:]]
    head, dense, relu, rest = list(tables.lines(BY_NAME["reference"], results))[-4:]
    assert "where our time goes" in head and max(map(len, (head, dense, relu, rest))) <= 80
    assert dense.split() == ["dense", "2.00", "ms", "3.00", "ms", "50%"]
    assert relu.split() == ["relu", "1.00", "ms", "2.00", "ms", "30%"]
    assert rest.split() == ["everything", "else", "2.00", "ms", "20%"]             # mean takes too little for a line


@pytest.mark.parametrize("high", [0.0115, 0.06])            # more than twice the first quartile, 0.0055
def test_on_a_busy_machine_no_goal_is_judged(high):
    lines = list(tables.lines(BY_NAME["reference"], [RESULTS[0]._replace(high=high), *RESULTS[1:]]))
    assert any("Measure again" in line for line in lines) and not any("goal" in line for line in lines)


def test_a_profile_that_does_not_fit_is_left_out_and_missing_rounds_are_mentioned():
    lines = list(tables.lines(BY_NAME["reference"], [RESULTS[0]._replace(profile=None, rounds=3), *RESULTS[1:]]))
    assert "left out" in lines[-1] and "time was up before all rounds were run" in lines[-2]
    assert max(map(len, lines)) <= 80


def test_the_table_beside_other_programs():
    slower = [r if r.failure else r._replace(median=r.median * 2) for r in RESULTS]
    head, names, ours, *others = tables.busy_lines({0: RESULTS, 1: RESULTS, 2: slower})
    assert names.split() == ["median", "ms,", "beside", "none", "1", "2", "slower"]
    assert ours.split() == [OURS, "6.00", "6.00", "12.00", "2.0", "x"]
    assert "no compiler" in others[2] and max(map(len, (head, names, ours, *others))) <= 80


def test_goals():
    assert tables.import_line({"npvae": 0.06, "numpy": 0.05}).endswith("1.20 times (goal: at most 1.25, reached)")
    assert tables.import_line({"npvae": 0.07, "numpy": 0.05}).endswith("1.40 times (goal: at most 1.25, missed)")
    assert len(tables.import_line({"npvae": 1.2, "numpy": 1.0})) <= 80           # on a slow machine
    lines = list(tables.memory_lines({OURS: 200.0, "torch": 500.0, "torch, compiled": 600.0}))
    assert lines[-1].strip() == "0.40 times PyTorch's (goal: at most 0.4, reached)"
    assert len(list(tables.memory_lines({OURS: 200.0}))) == 2


def test_the_machine_is_named_with_the_kernels_of_the_products():
    lines = list(tables.machine_lines(tables.machine(2, {})))
    assert tables.blas() in lines and tables.blas().startswith(("OpenBLAS 0.", "not OpenBLAS"))
    assert "2 threads, float32" in lines[0] and "pip install 'npvae[bench]'" in lines[-1]


@pytest.fixture
def no_peers(monkeypatch):
    monkeypatch.setattr(contenders, "installed", lambda libraries=(): {})


def test_without_peers_ours_is_measured_alone(no_peers, tmp_path, monkeypatch):
    monkeypatch.setattr("npvae.bench.race.ROUNDS", 1)
    monkeypatch.setattr(costs, "IMPORTS", 1)
    said = []
    measured = bench.run(["small", "import", "memory"], None, 1, 0.1, tmp_path, said.append)
    assert json.loads(json.dumps(measured))["small"]["ratio"] is None
    assert [result["name"] for result in measured["small"]["results"]] == [OURS, PRODUCTS]
    assert all(0.001 < seconds < 10 for seconds in measured["import"].values())
    assert 50 < measured["memory"][OURS] < 1000
    assert "measures small, import, memory: about 2 minutes on a quiet machine" in said
    assert max(map(len, said)) <= 80


def test_growth_is_drawn(no_peers, tmp_path, monkeypatch):
    from npvae.bench import growth

    monkeypatch.setattr(growth, "BATCHES", (1, 2))
    monkeypatch.setattr(growth, "WIDTHS", (64,))
    monkeypatch.setattr(growth, "SECONDS", 0.05)
    said = []
    measured = bench.run(["growth"], None, 1, 1, tmp_path, said.append)
    assert (tmp_path / "growth.png").stat().st_size > 1000
    assert measured["growth"]["batch"][OURS][0] == [1, 2] and measured["growth"]["width"][OURS][1][0] > 0
    assert all(len(line) <= 80 for line in said if str(tmp_path) not in line)           # a path is not broken


def test_whole_programs(no_peers, tmp_path, monkeypatch):
    """Steps per second, from seconds for a step. With no library beside it, npvae alone is timed; its start cancels."""
    head, names, ours, *others = tables.programs_lines({OURS: {100: 0.01, 10_000: 0.5}, "JAX": {100: 0.004, 10_000: 1}})
    assert names.split() == ["batch", "size", "100", "10,000"] and ours.split() == [OURS, "100", "2"]
    assert others[0].split() == ["JAX", "250", "1"] and max(map(len, (head, names, ours))) <= 80
    assert programs.seconds(OURS, [], {}, 50, 2, tmp_path / "real") > 0.01
    monkeypatch.setattr(programs, "seconds", lambda *call: 7 + 0.01 * call[-2])
    measured = bench.run(["programs"], None, 1, 1, tmp_path, lambda line: None)
    assert measured["programs"] == {OURS: dict.fromkeys(programs.STEPS, pytest.approx(0.01))}


def test_a_program_that_fails_says_why(tmp_path):
    with pytest.raises(UserError, match="the program for npvae failed: npvae: argument --batch-size: found '0'"):
        programs.seconds("npvae", [], {}, 0, 1, tmp_path)


def test_names_are_checked_before_anything_is_measured(no_peers, tmp_path):
    with pytest.raises(UserError, match="unknown workload 'smal': did you mean 'small'"):
        bench.run(["small", "smal"], None, 1, 0.1, tmp_path, print)
    with pytest.raises(UserError, match="unknown peer 'pytorch'"):
        bench.run(["small"], ["pytorch"], 1, 0.1, tmp_path, print)
    with pytest.raises(UserError, match=r"1000 threads would get in each other's way here, with \d+ at most"):
        bench.run(["small"], None, 1000, 0.1, tmp_path, print)
    with pytest.raises(UserError, match="torch is not installed: pip install torch"):
        bench.run(["small"], ["torch"], 1, 0.1, tmp_path, print)
