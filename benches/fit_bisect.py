#!/usr/bin/env python3
"""Fit the model of `kanalyze bisect` and write src/bisect/weights.toml.

    benches/fit_bisect.py target/release/kanalyze ../shared/corpora/bisect [--penalty 8] [--dry-run]

Standard library only. The signs come from `kanalyze bisect --features`, so what is fitted is what is run. Logistic regression
with an L2 penalty on standardized signs; five folds, split by bug, so that two logs of one bug are never on both sides; the
figures printed are means over ten ways to split. No sign may speak the wrong way. Nothing of the corpus but averages and weights is written.
"""
import argparse
import datetime
import json
import math
import os
import random
import re
import subprocess
import sys


def solve(rows, right):
    """The solution of a small linear system, by elimination with pivots."""
    size = len(right)
    grid = [row[:] + [value] for row, value in zip(rows, right)]
    for at in range(size):
        pivot = max(range(at, size), key=lambda row: abs(grid[row][at]))
        grid[at], grid[pivot] = grid[pivot], grid[at]
        for row in range(at + 1, size):
            factor = grid[row][at] / grid[at][at]
            if factor:
                grid[row] = [one - factor * two for one, two in zip(grid[row], grid[at])]
    found = [0.0] * size
    for at in reversed(range(size)):
        found[at] = (grid[at][size] - sum(grid[at][j] * found[j] for j in range(at + 1, size))) / grid[at][at]
    return found


def chance(odds):
    return 1 / (1 + math.exp(-max(-30, min(30, odds))))


def moments(table):
    means = [sum(column) / len(table) for column in zip(*table)]
    spreads = [math.sqrt(sum((value - mean) ** 2 for value in column) / len(table)) or 1.0 for column, mean in zip(zip(*table), means)]
    return means, spreads


# Signs that speak for the commit the larger they are; all others speak against it. A sign that the data would have speak the other
# way (two that go together can do that to each other) gets no weight, because its words would mislead.
SPEAKS_FOR = {"clean-walk", "farthest-title", "file-seen", "final-crash", "home-seen", "lowest-ratio", "own-crash", "subsystem"}


def fit(table, truths, penalty, names):
    """Logistic regression in which no sign speaks the wrong way."""
    active = list(range(len(names)))
    while True:
        weights, means, spreads = newton([[row[at] for at in active] for row in table], truths, penalty)
        wrong = {at for at, weight in zip(active, weights[1:]) if weight * (1 if names[at] in SPEAKS_FOR else -1) < 0}
        if not wrong:
            break
        active = [at for at in active if at not in wrong]
    all_means, all_spreads = moments(table)
    full = [weights[0]] + [weights[1 + active.index(at)] if at in active else 0.0 for at in range(len(names))]
    return full, all_means, all_spreads


def newton(table, truths, penalty):
    """Newton's method; returns intercept and weights, one per standard deviation, and the moments."""
    means, spreads = moments(table)
    scaled = [[1.0] + [(value - mean) / spread for value, mean, spread in zip(row, means, spreads)] for row in table]
    size = len(scaled[0])
    weights = [0.0] * size
    for _ in range(12):
        gradient = [penalty * weight for weight in weights]
        gradient[0] = 0.0
        hessian = [[0.0] * size for _ in range(size)]
        for at in range(1, size):
            hessian[at][at] = penalty
        for row, truth in zip(scaled, truths):
            said = chance(sum(map(float.__mul__, weights, row)))
            miss, spread = said - truth, max(said * (1 - said), 1e-6)
            for i, one in enumerate(row):
                gradient[i] += miss * one
                share = spread * one
                line = hessian[i]
                for j in range(i + 1):
                    line[j] += share * row[j]
        for i in range(size):
            for j in range(i):
                hessian[j][i] = hessian[i][j]
        step = solve(hessian, gradient)
        weights = [weight - change for weight, change in zip(weights, step)]
        if max(map(abs, step)) < 1e-6:
            break
    return weights, means, spreads


def predict(model, row):
    weights, means, spreads = model
    return chance(weights[0] + sum(w * (value - mean) / spread for w, value, mean, spread in zip(weights[1:], row, means, spreads)))


def auc(said, truths):
    right = [p for p, truth in zip(said, truths) if truth]
    wrong = [p for p, truth in zip(said, truths) if not truth]
    return sum((r > w) + 0.5 * (r == w) for r in right for w in wrong) / (len(right) * len(wrong))


def calibration(said, truths):
    bins = {}
    for p, truth in zip(said, truths):
        bins.setdefault(min(int(p * 10), 9), []).append((p, truth))
    return 1 - sum(abs(sum(p for p, _ in b) - sum(t for _, t in b)) for b in bins.values()) / len(said)


def fifths(said, truths):
    """The calibration curve: (from, to, mean of what was said, how many were right, of how many)."""
    curve = []
    for fifth in range(5):
        inside = [(p, truth) for p, truth in zip(said, truths) if min(int(p * 5), 4) == fifth]
        if inside:
            mean = sum(p for p, _ in inside) / len(inside)
            curve.append((fifth / 5, (fifth + 1) / 5, mean, sum(truth for _, truth in inside), len(inside)))
    return curve


def crossed(table, truths, bugs, penalty, names, seed, folds=5):
    """What each log is said to be by a model that saw none of its bug's logs."""
    groups = sorted(set(bugs))
    random.Random(seed).shuffle(groups)
    fold = {group: at % folds for at, group in enumerate(groups)}
    said = [0.0] * len(table)
    for out in range(folds):
        kept = [at for at, bug in enumerate(bugs) if fold[bug] != out]
        model = fit([table[at] for at in kept], [truths[at] for at in kept], penalty, names)
        for at, bug in enumerate(bugs):
            if fold[bug] == out:
                said[at] = predict(model, table[at])
    return said


def main():
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("binary")
    cli.add_argument("corpus")
    cli.add_argument("--penalty", type=float, default=8.0)
    cli.add_argument("--splits", type=int, default=10)
    cli.add_argument("--date", default=datetime.date.today().isoformat(), help="the date to note (default: today)")
    cli.add_argument("--dry-run", action="store_true", help="print the figures only")
    args = cli.parse_args()

    with open(os.path.join(args.corpus, "labels.jsonl")) as rows:
        labels = [row for row in map(json.loads, rows) if row["correct"] is not None]
    paths = [os.path.join(args.corpus, "logs", row["log"]) for row in labels]
    done = subprocess.run([args.binary, "bisect", "--features", *paths], stdout=subprocess.PIPE, check=True)
    records = [json.loads(line) for line in done.stdout.splitlines()]
    signs = [record["signs"] for record in records]
    if len(signs) != len(labels):
        sys.exit(f"{len(signs)} records for {len(labels)} logs")
    names = list(signs[0])
    table = [[float(row[name]) for name in names] for row in signs]
    truths = [int(row["correct"]) for row in labels]
    drifts = {kind: [truth for record, truth in zip(records, truths) if record["title_drift"] == kind] for kind in ("near", "far", "kept")}
    print("titles " + ", ".join(f"{kind}: {sum(of)} of {len(of)} right" for kind, of in drifts.items()))
    bugs = [re.sub(r" \(\d+\)$", "", row["bug_title"]) for row in labels]

    figures, sums = [], [0.0] * len(table)
    for seed in range(args.splits):
        said = crossed(table, truths, bugs, args.penalty, names, seed)
        sums = [total + one for total, one in zip(sums, said)]
        figures.append((auc(said, truths), calibration(said, truths)))
    mean_auc, mean_calibration = (sum(column) / len(figures) for column in zip(*figures))
    low = min(value for value, _ in figures)
    print(f"{len(labels)} logs, {sum(truths)} right, {len(names)} signs, penalty {args.penalty:g}")
    print(f"five-fold by bug, {args.splits} splits: AUC {mean_auc:.4f} (lowest {low:.4f}), calibration {mean_calibration:.4f}")

    curve = fifths([total / args.splits for total in sums], truths)
    for low, high, mean, right, of in curve:
        print(f"    said {low:.1f} to {high:.1f}, on average {mean:.3f}: {right} of {of} right ({right / of:.3f})")

    model = fit(table, truths, args.penalty, names)
    said = [predict(model, row) for row in table]
    print(f"on the logs of the fit: AUC {auc(said, truths):.4f}, calibration {calibration(said, truths):.4f}")
    weights, means, spreads = model
    for weight, spread, name in sorted(zip(weights[1:], spreads, names), key=lambda row: -abs(row[0])):
        print(f"    {name:14s} {weight:+.3f} a standard deviation, {weight / spread:+.3f} a unit")
    if args.dry_run:
        return
    here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "src", "bisect", "weights.toml")
    with open(here, "w") as out:
        out.write("# Written by benches/fit_bisect.py; the signs are those of src/bisect/signs.rs.\n\n")
        out.write(f"intercept = {weights[0]:.5f}\n\n[provenance]\n")
        out.write(f'date = "{args.date}"\nlogs = {len(labels)}\nright = {sum(truths)}\npenalty = {args.penalty:g}\n')
        out.write('data = "the labelled logs of shared/corpora/bisect (FSE\'24 study of syzbot\'s cause bisections)"\n')
        out.write(f'command = "benches/fit_bisect.py target/release/kanalyze ../shared/corpora/bisect --penalty {args.penalty:g}"\n')
        out.write(f"auc_cross_validated = {mean_auc:.4f}\nauc_lowest_split = {low:.4f}\ncalibration_cross_validated = {mean_calibration:.4f}\n")
        out.write("\n# How often the answer was right where no kernel from some step on crashed under a title of the first test, by whether the later\n")
        out.write("# titles had something in common with it; and where the last crash still had it.\n[title_drift]\n")
        for kind, of in drifts.items():
            out.write(f"{kind} = {{ right = {sum(of)}, of = {len(of)} }}\n")
        out.write("\n# What was said of logs outside of the fit (means over the splits), and how many of them were right.\n")
        for low, high, mean, right, of in curve:
            out.write(f"[[calibration]]\nfrom = {low:.1f}\nto = {high:.1f}\nsaid = {mean:.4f}\nright = {right}\nof = {of}\n")
        for name, weight, mean, spread in zip(names, weights[1:], means, spreads):
            out.write(f'\n[[sign]]\nid = "{name}"\nmean = {mean:.5f}\nweight = {weight / spread:.5f}\n')


main()
