"""The page's application: what it answers, and whom it does not answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from vicreg_core.decisions.labelling.server import application
from vicreg_core.decisions.labelling.session import LabelSession, open_session

pytest.importorskip("starlette")
testclient = pytest.importorskip("starlette.testclient", reason="needs httpx")
TOKEN = "token"


@pytest.fixture
def session(run: Path, tmp_path: Path) -> LabelSession:
    return open_session(run, tmp_path / "labels.csv", ["fox", "owl"], 10, (), lambda line: None)


@pytest.fixture
def client(session: LabelSession):
    return testclient.TestClient(application(session, TOKEN), base_url="http://127.0.0.1")


def act(client, **body):
    return client.post(f"/{TOKEN}/act", json=body)


def test_the_page_and_its_state(client):
    assert "Which class is it?" in client.get(f"/{TOKEN}/").text
    state = client.get(f"/{TOKEN}/state").json()
    assert [each["name"] for each in state["classes"]] == ["fox", "owl"]
    assert state["samples"] == 60
    assert state["labelled"] == 0
    assert not state["can_undo"]


def test_answers_move_on_and_are_kept(client, session):
    first = client.get(f"/{TOKEN}/state").json()["id"]
    state = act(client, action="answer", id=first, label="fox").json()
    assert state["id"] != first
    assert state["labelled"] == 1
    assert session.answers.labels() == {first: "fox"}
    back = act(client, action="undo").json()
    assert back["id"] == first
    assert session.answers.labels() == {}
    skipped = act(client, action="skip", id=first).json()
    assert skipped["id"] != first
    named = act(client, action="answer", id=skipped["id"], label="a new class").json()
    assert {"name": "a new class", "count": 1} in named["classes"]


def test_every_sample_comes_once_and_the_estimate_grows(client, truth):
    seen, state = [], client.get(f"/{TOKEN}/state").json()
    while state["id"] is not None:
        seen.append(state["id"])
        state = act(client, action="answer", id=state["id"], label=truth[state["id"]]).json()
    assert sorted(seen) == sorted(truth)
    progress = client.get(f"/{TOKEN}/state").json()["progress"]
    assert progress[-1]["labels"] == 60
    assert [each["labels"] for each in progress] == sorted({each["labels"] for each in progress})
    assert all(each["low"] <= each["value"] <= each["high"] for each in progress)


def test_a_session_goes_on_where_the_file_ends(client, run, tmp_path, session):
    first = client.get(f"/{TOKEN}/state").json()["id"]
    act(client, action="answer", id=first, label="fox")
    again = open_session(run, tmp_path / "labels.csv", [], 10, (), lambda line: None)
    state = again.state()
    assert state["labelled"] == 1
    assert state["id"] != first
    assert {"name": "fox", "count": 1} in state["classes"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"action": "answer", "id": "nobody", "label": "fox"}, 404),
        ({"action": "skip", "id": "nobody"}, 404),
        ({"action": "format-disk"}, 400),
        ({}, 400),
        ([], 400),
    ],
)
def test_what_means_nothing_is_refused(client, session, body, status):
    assert client.post(f"/{TOKEN}/act", json=body).status_code == status
    assert session.answers.labels() == {}


def test_a_blank_class_is_refused_in_words(client):
    sample = client.get(f"/{TOKEN}/state").json()["id"]
    told = act(client, action="answer", id=sample, label=" ")
    assert told.status_code == 409
    assert "blanks" in told.json()["error"]


def test_without_the_token_or_under_another_name_nothing_is_answered(client, session):
    assert client.get("/").status_code == 404
    assert client.get("/other/state").status_code == 404
    assert client.post("/other/act", json={"action": "undo"}).status_code == 404
    stranger = testclient.TestClient(application(session, TOKEN), base_url="http://example.org")
    assert stranger.get(f"/{TOKEN}/state").status_code == 400
