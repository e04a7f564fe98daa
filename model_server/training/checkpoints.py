# SPDX-License-Identifier: GPL-3.0-or-later
"""What the training scripts have in common: their options, their checkpoints, their speed on a CPU."""

from __future__ import annotations

import argparse
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from .data import DATA

RUNS = Path("runs")


def make_parser(program: str, description: str, out: Path) -> argparse.ArgumentParser:
    """The options of every training script."""
    result = argparse.ArgumentParser(
        prog=f"python -m model_server.training.{program}",
        description=description,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    result.add_argument("--data", type=Path, default=DATA, help="data folder, described in MODEL_CARD.md")
    result.add_argument("--out", type=Path, default=out, help="checkpoint to write")
    result.add_argument("--start", type=Path, help="checkpoint or exported .onnx to begin from; its own trunk then")
    result.add_argument("--resume", action="store_true", help="continue from the checkpoint --out, if it is there")
    result.add_argument("--seed", type=int, default=0, help="the same seed gives the same run")
    result.add_argument("--threads", type=int, default=2, help="CPU threads")
    result.add_argument("--steps", type=int, default=None, help="at most so many steps an epoch, for trying out")
    return result


def choose_device() -> torch.device:
    """The GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def use_bfloat16(on: torch.device) -> AbstractContextManager[Any]:
    """bfloat16 where it helps: there twice as fast; the losses themselves stay in float32.

    A CPU without instructions for it would take fifteen times as long.
    """
    helps = on.type != "cpu" or torch.cpu.get_capabilities().get("avx512_bf16", False)
    return torch.autocast(on.type, torch.bfloat16, enabled=helps)


def save(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer | None = None, **rest: object) -> None:
    """Write a checkpoint; the old one stays until the new one is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {"model": model.state_dict(), "optimizer": optimizer and optimizer.state_dict(), **rest}
    partial = path.with_name(path.name + ".part")
    torch.save(state, partial)
    partial.replace(path)


def load(path: Path) -> dict[str, Any]:
    """Read a checkpoint of `save`."""
    if not path.is_file():
        raise SystemExit(f"{path} is missing: run the training script that writes it first.")
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state


class Clock:
    """Seconds of training, continued over resumed runs."""

    def __init__(self, before: float = 0.0) -> None:
        self._start = time.monotonic() - before

    def seconds(self) -> float:
        return time.monotonic() - self._start


def make_optimizer(
    network: nn.Module, options: argparse.Namespace, steps: int, weight_decay: float
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.OneCycleLR]:
    """The optimizer of a network with a `trunk`, which learns at --trunk-rate beside --rate, and a cycle of `steps`."""
    trunk = list(network.get_submodule("trunk").parameters())
    head = [p for name, p in network.named_parameters() if not name.startswith("trunk.")]
    rates = [options.rate, options.trunk_rate]
    groups = [{"params": params, "lr": rate} for params, rate in zip((head, trunk), rates)]
    optimizer = torch.optim.AdamW(groups, weight_decay=weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rates, total_steps=max(2, steps), pct_start=0.1)
    return optimizer, schedule


def resume(
    options: argparse.Namespace,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    clock: Clock,
) -> tuple[int, Clock]:
    """Continue from the checkpoint --out where --resume wants that and it is there; the epochs done and their clock."""
    if not (options.resume and options.out.is_file()):
        return 0, clock
    state = load(options.out)
    network.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    schedule.load_state_dict(state["schedule"])
    return state["epoch"], Clock(state["seconds"])
