# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks are checked at once and loaded when they are first needed."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gimp_saliency.shared.choices import Edge, Ranking
from gimp_saliency.shared.request import EditRequest
from model_server.predict.errors import NetworkError, is_shortage
from model_server.predict.judges import VIEWERS
from model_server.predict.networks import NETWORKS, Networks
from model_server.predict.predictor import Predictor
from model_server.serve.worker import Worker

PICTURE = np.arange(16 * 16 * 4, dtype=np.uint32).astype(np.uint8).reshape(16, 16, 4)


def loaded(predictor: Predictor) -> set[str]:
    """The files whose networks are in memory."""
    networks = predictor.attention._networks._networks
    return {name for name, network in networks.items() if network.session is not None}


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    folder = tmp_path / "networks"
    shutil.copytree(NETWORKS, folder)
    return folder


def put_nonsense(folder: Path, name: str) -> None:
    """A file that is what the manifest says, and no network."""
    content = b"no network"
    (folder / name).write_bytes(content)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_a_network_that_no_one_asked_for_is_not_loaded() -> None:
    predictor = Predictor()
    assert not loaded(predictor)
    predictor.attention.predict_edits(PICTURE, EditRequest("attenuate", ranking=Ranking.RANDOM), figures=False)
    used = loaded(predictor)
    # What the edit network predicts is tried, to see whether its border shows; an edit that changes nothing is not.
    assert "edit.onnx" in used and all(name == "edit.onnx" or name.startswith("operator-") for name in used)
    predictor.attention.map_saliency(PICTURE[:, :, :3])
    assert loaded(predictor) == {*used, *VIEWERS}
    predictor.load()
    assert loaded(predictor) == set(predictor.networks) == {path.name for path in NETWORKS.glob("*.onnx")}


def test_the_most_real_order_needs_no_viewers() -> None:
    predictor = Predictor()
    predictor.attention.predict_edits(PICTURE, EditRequest("attenuate"), figures=False)
    assert loaded(predictor) == set(predictor.networks) - {*VIEWERS, "edge.onnx", "harmonize.onnx", "retouch.onnx"}


def test_the_second_viewer_is_for_looks_alone() -> None:
    predictor = Predictor()
    predictor.attention.propose(PICTURE, EditRequest("attenuate"))
    assert set(VIEWERS) - loaded(predictor) == {VIEWERS[1]}
    look = predictor.attention.look(PICTURE)
    assert len(look.viewers) == 2 and look.viewers[0] != look.viewers[1]
    assert look.saliency == pytest.approx(sum(look.viewers) / 2)
    assert set(VIEWERS) <= loaded(predictor)


def test_several_threads_get_the_same_network() -> None:
    with ThreadPoolExecutor(2) as pool:
        networks = Networks(NETWORKS, pool)
        barrier = threading.Barrier(4)

        def ask(_number: int) -> Any:
            barrier.wait(10)
            return networks.session("realism.onnx")

        with ThreadPoolExecutor(4) as threads:
            first, *others = threads.map(ask, range(4))
    assert all(other is first for other in others)


def test_what_onnxruntime_cannot_load_is_a_sentence(copied: Path) -> None:
    put_nonsense(copied, "realism.onnx")
    predictor = Predictor(copied)
    for load in (predictor.load, lambda: predictor.attention.look(PICTURE)):
        with pytest.raises(NetworkError, match=r"onnxruntime cannot load .*realism\.onnx; run install\.sh again"):
            load()


def test_an_edge_network_that_cannot_be_loaded_is_a_sentence(copied: Path) -> None:
    put_nonsense(copied, "edge.onnx")
    predictor = Predictor(copied)
    predictor.attention.look(PICTURE)  # does without it
    with pytest.raises(NetworkError, match=r"onnxruntime cannot load .*edge\.onnx; run install\.sh again"):
        predictor.fitting.find_edge(PICTURE, Edge.OBJECT)


def test_a_network_that_changed_meanwhile_is_not_loaded(copied: Path) -> None:
    predictor = Predictor(copied)
    (copied / "saliency.onnx").write_bytes(b"another one")
    with pytest.raises(NetworkError, match=r"saliency\.onnx is not the one that the manifest names; run install"):
        predictor.attention.map_saliency(PICTURE[:, :, :3])


def test_the_worker_tries_again_after_a_network_failed(copied: Path) -> None:
    """As it does where loading failed at the start: the sentence until the file is repaired."""
    put_nonsense(copied, "saliency.onnx")
    worker = Worker(lambda: Predictor(copied))
    try:
        for _ in range(2):
            with pytest.raises(NetworkError):
                worker.run(lambda predictor: predictor.attention.map_saliency(PICTURE[:, :, :3]), 10)
            state = worker.state()
            assert state["state"] == "failed" and "onnxruntime cannot load" in state["error"]
            assert worker.describe_networks() == {}
        for path in NETWORKS.iterdir():
            shutil.copy(path, copied)
        worker.run(lambda predictor: predictor.attention.map_saliency(PICTURE[:, :, :3]), 10)
        assert worker.state()["state"] == "ready" and "saliency.onnx" in worker.describe_networks()
    finally:
        worker.close()


def test_a_lack_of_memory_is_recognised_behind_other_errors() -> None:
    try:
        raise RuntimeError("no session") from Exception("std::bad_alloc")
    except RuntimeError as error:
        assert is_shortage(error)
    assert is_shortage(MemoryError()) and not is_shortage(ValueError("bad input")) and not is_shortage(None)
