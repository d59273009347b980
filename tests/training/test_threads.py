"""One thread where several are slower, several where they are not, and as many after a resume."""

from __future__ import annotations

import pytest
import torch

from tests.training.toy import MLP, Mixture, Noise
from vicreg_core.runs.directory import RunDirectory
from vicreg_core.training import threads as module
from vicreg_core.training.threads import resume_threads, settle_threads


@pytest.fixture(autouse=True)
def three_threads(monkeypatch):
    before = torch.get_num_threads()
    for name in module._ASKED:
        monkeypatch.delenv(name, raising=False)
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def timed(monkeypatch):
    """Says how long a pass takes by the number of threads, in place of a clock."""
    seconds = {}
    monkeypatch.setattr(module, "_seconds_of_a_pass", lambda encoder, batch: seconds[torch.get_num_threads()])
    return seconds


def settled(said):
    encoder = MLP(0.0).train()
    settle_threads(encoder, Mixture(), Noise(), torch.device("cpu"), said.append)
    assert encoder.training
    return torch.get_num_threads()


def test_one_thread_is_kept_where_it_is_clearly_faster(timed):
    said: list[str] = []
    timed.update({3: 0.5, 1: 0.1})
    assert settled(said) == 1
    assert "with 1 thread: a pass takes 100.0 ms, and with 3 threads 500.0 ms" in said[0]


@pytest.mark.parametrize("one", [0.08, 0.3])
def test_all_are_kept_otherwise(timed, one):
    said: list[str] = []
    timed.update({3: 0.1, 1: one})
    assert settled(said) == 3
    assert not said


def test_a_number_that_was_asked_for_is_kept(timed, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    timed.update({3: 0.5, 1: 0.1})
    assert settled([]) == 3


def test_a_real_pass_is_timed():
    assert settled([]) in (1, 3)


def test_a_resumed_run_computes_with_as_many_as_before(tmp_path):
    run = RunDirectory(tmp_path)
    run.write_environment({"threads": 2})
    resume_threads(run)
    assert torch.get_num_threads() == 2
    run.environment.write_text("damaged", encoding="utf-8")
    resume_threads(run)
    assert torch.get_num_threads() == 2
