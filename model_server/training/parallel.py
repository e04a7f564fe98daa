# SPDX-License-Identifier: GPL-3.0-or-later
"""Share the work of a training step between CPU cores.

A batch is cut into one part a thread, and each thread takes its part forward and backward on one core.  For networks
as small as these that is far quicker than letting every single operation use all cores.  No layer looks across a
batch, so the gradient is that of the whole batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch
from torch import Tensor

Item = TypeVar("Item")
Result = TypeVar("Result")


class Team:
    """A number of threads, each with one core to itself."""

    def __init__(self, threads: int) -> None:
        torch.set_num_threads(1)
        self.threads = threads
        self._pool = ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))

    def map(self, work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """The results of the items, in their order, with gradients if the caller has them on."""
        wanted = torch.is_grad_enabled()

        def one(item: Item) -> Result:
            with torch.set_grad_enabled(wanted):  # every thread has a switch of its own
                return work(item)

        return list(self._pool.map(one, items))

    def run_backward(self, loss: Callable[[slice], Tensor], count: int) -> float:
        """Add the gradients of the batch's mean loss to the parameters; returns that mean.

        loss: gives the losses [n] of a slice of the batch; count: the size of the batch.
        """
        size = -(-count // self.threads)

        def part(rows: slice) -> float:
            total = loss(rows).sum() / count
            total.backward()
            return float(total.detach())

        return sum(self.map(part, [slice(k, min(k + size, count)) for k in range(0, count, size)]))

    def work_ahead(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """The results of the items, the next one made while the last one is used."""
        iterator = iter(items)
        with ThreadPoolExecutor(1, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            waiting = [pool.submit(work, item) for item, _ in zip(iterator, range(2))]
            while waiting:
                result = waiting.pop(0).result()
                for item in iterator:
                    waiting.append(pool.submit(work, item))
                    break
                yield result
