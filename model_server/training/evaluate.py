# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure the networks on photographs that none of them saw; write tables and contact sheets.

cost:     bytes of the shipped networks and milliseconds, on one CPU thread each, that they and predictions take.
saliency: how well the viewers predict fixations, and whether nonsense fools them.
realism:  how well the critics tell real from fake, and how their verdicts fall as edits grow.
edge:     how well the object in a loose selection is found, and what border edits of such selections show.
edits:    what the shipped edits do to regions: to attention, realism and colour, by the networks of the training and by
          independent ones (--judges, --second-critic), beside edits that need no network.  "constant" applies the
          network's own mean parameters, scaled to its colour difference, to every picture: what it would reach had it
          learned nothing about the single picture.  Then region and background, parts of the edits, other orders of
          them (GazeShiftNet's Table 1d), and styles.
Networks are checkpoints or exported .onnx files.
"""

from __future__ import annotations

import argparse
import json
import math
import re
from pathlib import Path
from typing import Any

import torch

from gimp_saliency.shared.choices import DIRECTIONS, Ranking
from model_server.predict.judges import REALISM, VIEWERS
from model_server.predict.networks import NETWORKS
from model_server.predict.predictor import Predictor

from . import checkpoints, data, edit, own_photos, realism, saliency
from .keep import JUDGES
from .parallel import Team
from .reports import cost as cost_report
from .reports import edges as edge_report
from .reports import edits as edit_report
from .reports import judging
from .reports import realism as realism_report
from .reports import saliency as saliency_report

PARTS = ("cost", "saliency", "realism", "edge", "edits")


def write_into_card(card: Path, texts: dict[str, str]) -> None:
    """Replace what stands between `<!-- evaluate NAME -->` and `<!-- end -->` in the model card."""
    content = card.read_text(encoding="utf-8")
    for name, text in texts.items():
        place = re.search(rf"<!-- evaluate {re.escape(name)} -->\n(.*?)<!-- end -->", content, re.DOTALL)
        if not place:
            raise SystemExit(
                f"{card} has no place for {name}: add the lines <!-- evaluate {name} --> and <!-- end -->."
            )
        content = f"{content[: place.start(1)]}\n{text}\n\n{content[place.end(1) :]}"
    card.write_text(content, encoding="utf-8")


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m model_server.training.evaluate",
        description=str(__doc__).split("\n\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    runs = checkpoints.RUNS
    parser.add_argument("--data", type=Path, default=data.DATA, help="data folder, described in MODEL_CARD.md")
    own_photos.add_options(parser)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), help="what to measure")
    parser.add_argument("--networks", type=Path, default=NETWORKS, help="folder of the exported networks")
    parser.add_argument(
        "--viewers", type=Path, nargs="+", default=[NETWORKS / name for name in VIEWERS],
        help="saliency networks of the training",
    )  # fmt: skip
    parser.add_argument(
        "--judges", type=Path, nargs="*", default=sorted(JUDGES.glob("viewer*.pt")),
        help="saliency networks that no edit network trained on; their mean judges (default: those of judges/)",
    )  # fmt: skip
    parser.add_argument("--critic", type=Path, default=NETWORKS / REALISM, help="realism critic of the training")
    parser.add_argument("--second-critic", type=Path, default=JUDGES / "critic.pt", help="one that no training used")
    parser.add_argument(
        "--edit", type=Path, help="checkpoint with the objective that is searched by (default: as trained)"
    )
    parser.add_argument("--count", type=int, default=120, help="regions a direction, of different photographs")
    parser.add_argument(
        "--order", choices=[each.value for each in Ranking], default=Ranking.BEST_REALISM.value,
        help="how the order of the edits is chosen",
    )  # fmt: skip
    parser.add_argument("--searched", type=int, default=24, help="regions that the slow baselines search")
    parser.add_argument("--sheet", type=int, default=60, help="photographs on each contact sheet")
    parser.add_argument("--out", type=Path, default=runs / "evaluation", help="folder for figures and sheets")
    parser.add_argument("--card", type=Path, help="model card whose tables are to be replaced")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads")
    options = parser.parse_args(argv)
    team = Team(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)

    viewers = {"training": [saliency.load_network(path) for path in options.viewers]}
    if options.judges:
        viewers["independent"] = [saliency.load_network(path) for path in options.judges]
    critics = {"training": realism.load_network(options.critic)}
    if options.second_critic.is_file():
        critics["independent"] = realism.load_network(options.second_critic)
    else:
        print(
            f"There is no {options.second_critic}: realism is judged by the critic of the training alone.", flush=True
        )
    named = {f"{source} {k + 1}": network for source, networks in viewers.items() for k, network in enumerate(networks)}
    regions = own_photos.load_chosen(options) or data.split(data.load_regions(options.data))[2]
    texts: dict[str, str] = {}
    numbers: dict[str, Any] = {}
    predictor = Predictor(options.networks)
    if "cost" in options.parts:
        few = judging.load_samples(data.choose_spaced(regions, cost_report.REGIONS), team)
        texts["cost"] = cost_report.write_report(options.networks, predictor, [sample.to_bytes() for sample in few])
    if "saliency" in options.parts:
        if (options.data / "fixations").is_dir():
            texts["fixations"] = saliency_report.report_fixations(options.data, named, options.count, team)
        objects = [region for region in regions if 0.02 < region.area < 0.2]
        sheet = options.out / "nonsense.png"
        texts["nonsense"] = saliency_report.report_nonsense(data.choose_spaced(objects, 20), named, sheet, team)
    if "realism" in options.parts:
        texts["telling apart"] = realism_report.report_telling_apart(
            data.choose_spaced(regions, 4 * options.count), critics, team
        )
        sheet = options.out / "realism-curves.png"
        texts["realism curves"] = realism_report.report_curves(
            data.choose_spaced(regions, options.count), critics, sheet, team
        )
    judges = judging.Judges(viewers, critics)
    if "edge" in options.parts:
        texts["fits"] = edge_report.report_fits(regions, predictor, team)
        unlimited = Predictor(options.networks, most_border=math.inf)
        with torch.no_grad():
            for direction, regions_of in edge_report.choose(regions, judges, options.count, team).items():
                texts[f"borders {direction}"] = edge_report.report_borders(
                    direction, regions_of, predictor, unlimited, judges, options.out, team
                )
    if "edits" in options.parts:
        trained = checkpoints.load(options.edit)["objective"] if options.edit else vars(edit.Objective())
        objective = edit.to_objective(trained)
        samples = judging.load_samples(regions, team)
        with torch.no_grad():
            lifts = team.map(judges.lift, samples)
        for direction, chosen in judging.choose(samples, lifts, options.count).items():
            texts[direction], numbers[direction] = edit_report.write_report(
                direction, chosen, predictor, judges, objective, options, team
            )
        assert set(numbers) == set(DIRECTIONS)
    for name, text in texts.items():
        print(f"\n## {name}\n\n{text}")
    (options.out / "figures.json").write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")
    if options.card:
        write_into_card(options.card, texts)


if __name__ == "__main__":
    main()
