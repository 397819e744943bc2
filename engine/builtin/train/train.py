#!/usr/bin/python3
"""Train ryot's built-in model.

    train.py prepare   the vocabulary, and the corpus as token ids
    train.py base      stage 1: stories, dialogues and conversations
    train.py chat      stage 2: mostly conversations, from the end of stage 1

Then export.py writes the GGUF, compare.py checks ryot's logits against model.py's, evaluate.py
asks it. A stage that was ended by SIGTERM goes on where it was, another from its last
checkpoint. ../README.md says what was run, and where. Needs numpy, torch (1.13 or later) and
sentencepiece; on a CPU also gcc, for fused.c.
"""
import argparse
import csv
import math
import os
import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor

os.environ[
    "OMP_NUM_THREADS"
] = "1"  # the shards of a batch are the threads; read when torch is loaded

import numpy as np
import torch

import chats
import corpus
import fused
import mix
import tokenizer
import warm
from model import Model
from muon import Optimiser
from settings import PRESETS

HERE = os.path.dirname(os.path.abspath(__file__))
FACTS = os.path.join(HERE, "..", "facts.txt")
CHECKPOINT_SECONDS = 180
WATCHED = ("tinystories", "fables", "dialogues")


def prepare(options, shape):
    train, held = corpus.load(options.corpus)
    texts = [t for name in corpus.FILES for t in train[name]]
    texts += [turn for dialogue in train["dialogues"][:4000] for turn in dialogue]
    made = random.Random(7)
    writer = chats.Writer(options.corpus, FACTS, made)
    texts += [text for _ in range(6000) for _, text in writer.next()]
    with open(FACTS, encoding="utf-8") as file:
        facts = [line[2:].strip() for line in file if line[0] in "~="]
    tokenizer.train(vocabulary(options), shape.vocab, texts, facts)
    words = tokenizer.Tokenizer(vocabulary(options))
    mix.save_tokens(options.out, "train", train, words)
    mix.save_tokens(options.out, "held", held, words)


def vocabulary(options):
    return os.path.join(options.out, "vocabulary.model")


def checkpoint(options, stage):
    return os.path.join(options.out, stage + ".pt")


def rate_at(schedule, step, done):
    """The learning rate at a step when a share `done` of the time has gone."""
    slope = 1 - (1 - schedule.end) * done
    return schedule.rate * max(slope, 0.004) * min(1.0, (step + 1) / schedule.warmup)


class Run:
    """One stage: its model, optimiser and counters, saved to and loaded from the checkpoint."""

    def __init__(self, options, stage, shape):
        self.path, self.stage, self.device = checkpoint(options, stage), stage, options.device
        kernels = fused.load(shape) if options.device == "cpu" else None
        self.model = Model(shape, torch.bfloat16, kernels).to(options.device)
        self.optimiser = Optimiser(self.model, torch.bfloat16)
        self.parameters = list(self.model.parameters())
        self.threads = options.threads if kernels else 1
        self.pool = ThreadPoolExecutor(self.threads)
        self.step, self.tokens, self.seconds = 0, 0, 0.0
        self.before = 0  # tokens of the stage before
        if os.path.exists(self.path):
            self.load(torch.load(self.path, map_location=options.device))
        elif stage == "chat":
            base = torch.load(checkpoint(options, "base"), map_location=options.device)
            self.model.load_state_dict(base["model"])
            self.before = base["tokens"]
        elif options.start:
            warm.load(self.model, options.start, tokenizer.Tokenizer(vocabulary(options)))

    def load(self, saved):
        self.model.load_state_dict(saved["model"])
        self.optimiser.load(saved["optimiser"])
        self.step, self.tokens, self.seconds = saved["step"], saved["tokens"], saved["seconds"]
        self.before = saved["before"]

    def save(self):
        state = {
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state(),
            "step": self.step,
            "tokens": self.tokens,
            "seconds": self.seconds,
            "before": self.before,
        }
        torch.save(state, self.path + ".new")
        os.replace(self.path + ".new", self.path)

    def advance(self, batch, rate, decay):
        """One step on a batch (ids, counted), each [rows][window + 1]; returns its mean loss."""
        ids, counted = [torch.from_numpy(x).to(self.device) for x in batch]
        whole = counted[:, 1:].sum().item()

        def share(part, mask):
            weight = mask[:, 1:].sum() / whole
            loss = self.model.loss(part[:, :-1], part[:, 1:], mask[:, 1:]) * weight
            return loss.item(), torch.autograd.grad(loss, self.parameters)

        shares = list(self.pool.map(share, ids.chunk(self.threads), counted.chunk(self.threads)))
        loss = sum(loss for loss, _ in shares)
        if not math.isfinite(loss):
            raise SystemExit(
                "step %d: the loss is not a number; see the last checkpoint" % self.step
            )
        for i, p in enumerate(self.parameters):
            p.grad = sum(gradients[i] for _, gradients in shares)
        self.optimiser.step(rate, decay, self.pool)
        self.step += 1
        self.tokens += ids.numel() - ids.shape[0]
        return loss

    def held_loss(self, folder, rows=24, n=256):
        """{source: nats per token} on the first windows of some held-out sources."""
        out = {}
        with torch.no_grad():
            for name in WATCHED:
                ids = np.load(mix.tokens_path(folder, "held", name)).astype(np.int64)
                used = min(rows * n, (len(ids) - 1) // n * n)
                x, y = [torch.from_numpy(ids[i : used + i].reshape(-1, n)) for i in (0, 1)]
                out[name] = self.model.loss(x.to(self.device), y.to(self.device)).item()
        return out


class Journal:
    """The stage's table (STAGE.csv) and the lines that it prints."""

    def __init__(self, folder, stage):
        self.stage = stage
        self.file = open(os.path.join(folder, stage + ".csv"), "a", newline="")
        self.average = None

    def add(self, loss):
        self.average = loss if self.average is None else 0.98 * self.average + 0.02 * loss

    def write(self, run, rate, held):
        figures = [run.step, run.tokens, "%.0f" % run.seconds, "%.4f" % self.average, "%.5f" % rate]
        csv.writer(self.file).writerow(figures + ["%.4f" % x for x in held.values()])
        self.file.flush()
        watched = " ".join("%s %.3f" % x for x in held.items())
        line = "%s step %s, %s tokens, %s s, loss %s, rate %s" % (self.stage, *figures)
        print(line, watched, flush=True)


def train(options, stage, shape, schedule):
    torch.manual_seed(options.seed)
    run, journal = Run(options, stage, shape), Journal(options.out, stage)
    made = random.Random(options.seed + run.step)
    writer = chats.Writer(options.corpus, FACTS, made)
    words = tokenizer.Tokenizer(vocabulary(options))
    rows = mix.Mix(stage, options.out, writer.next, words, schedule.window, made)
    seconds = 60 * (options.minutes or schedule.minutes)
    matrices, others = sum(p.numel() for p in run.model.matrices()), run.model.embedding.numel()
    print("%s: %.2f M ternary weights, %.2f M embedding" % (stage, matrices / 1e6, others / 1e6))
    print("held out at the start:", run.held_loss(options.out), flush=True)
    stopped = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    last = saved = time.monotonic()
    while run.seconds < seconds and not stopped:
        done = run.seconds / seconds
        rate = rate_at(schedule, run.step, done)
        batch = rows.batch(schedule.batch_tokens // schedule.window)
        journal.add(run.advance(batch, rate, schedule.decay if done < 0.5 else 0.0))
        now = time.monotonic()
        run.seconds += now - last if options.clock else min(now - last, 5.0)
        last = now
        if run.step % 50 == 0:
            journal.write(run, rate, run.held_loss(options.out) if run.step % 300 == 0 else {})
        if now - saved > CHECKPOINT_SECONDS:
            run.save()
            saved = now
    journal.write(run, 0.0, run.held_loss(options.out))
    run.save()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=["prepare", "base", "chat"])
    parser.add_argument("--preset", choices=list(PRESETS), default="cpu")
    parser.add_argument("--corpus", default="corpus", help="folder with the corpus's files")
    parser.add_argument(
        "--out", default="run", help="folder for the vocabulary, tokens and checkpoints"
    )
    parser.add_argument(
        "--start", help="base: begin with the weights of this GGUF, an earlier version"
    )
    parser.add_argument(
        "--minutes", type=float, help="training time of the stage instead of the preset's"
    )
    parser.add_argument(
        "--clock",
        action="store_true",
        help="end by the clock: time in which the process was stopped counts as well",
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    shape, schedules = PRESETS[options.preset]
    if options.command == "prepare":
        prepare(options, shape)
    else:
        train(options, options.command, shape, schedules[options.command])


if __name__ == "__main__":
    main()
