#!/usr/bin/python3
"""Train ryot's built-in model from scratch.

    train.py prepare   the vocabulary, and the corpus as token ids
    train.py base      stage 1: stories, dialogues and conversations
    train.py chat      stage 2: mostly conversations, from the end of stage 1

Then export.py writes the GGUF, compare.py checks ryot's logits against model.py's, evaluate.py asks it.
A stage that was interrupted goes on from its last checkpoint. ../README.md says what was run, and where.
Needs numpy, torch (1.13 or later) and sentencepiece; on a CPU also gcc, for fused.c.
"""
import argparse
import csv
import math
import os
import random
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


def held_loss(model, folder, device, rows=24, n=256):
    """Nats per token on the first windows of some held-out sources."""
    out = {}
    with torch.no_grad():
        for name in WATCHED:
            ids = np.load(mix.tokens_path(folder, "held", name))[: rows * n + 1].astype(np.int64)
            used = (len(ids) - 1) // n * n
            x = torch.from_numpy(ids[:used].reshape(-1, n)).to(device)
            y = torch.from_numpy(ids[1 : used + 1].reshape(-1, n)).to(device)
            model.train()
            out[name] = model.loss(x, y).item()
    return out


def rate_at(schedule, step, done):
    """The learning rate at a step when a share `done` of the time has gone."""
    slope = 1 - (1 - schedule.end) * done
    return schedule.rate * max(slope, 0.004) * min(1.0, (step + 1) / schedule.warmup)


class Run:
    """One stage: its model, optimiser and counters, saved to and loaded from the checkpoint."""

    def __init__(self, options, stage, shape):
        self.path, self.stage = checkpoint(options, stage), stage
        kernels = fused.load(shape) if options.device == "cpu" else None
        self.model = Model(shape, torch.bfloat16, kernels).to(options.device)
        self.optimiser = Optimiser(self.model, torch.bfloat16)
        self.parameters = list(self.model.parameters())
        self.threads = options.threads if kernels else 1
        self.pool = ThreadPoolExecutor(self.threads)
        self.step, self.tokens, self.seconds = 0, 0, 0.0
        if os.path.exists(self.path):
            self.load(torch.load(self.path, map_location=options.device))
        elif stage == "chat":
            self.model.load_state_dict(
                torch.load(checkpoint(options, "base"), map_location=options.device)["model"]
            )
        elif options.start:
            warm.load(self.model, options.start, tokenizer.Tokenizer(vocabulary(options)))

    def gradient(self, ids, counted):
        """Set the parameters' gradients for one batch; returns the mean loss. A thread takes a share of the rows."""
        whole = counted[:, 1:].sum().item()

        def share(part, mask):
            loss = self.model.loss(part[:, :-1], part[:, 1:], mask[:, 1:]) * (
                mask[:, 1:].sum() / whole
            )
            return loss.item(), torch.autograd.grad(loss, self.parameters)

        shares = list(self.pool.map(share, ids.chunk(self.threads), counted.chunk(self.threads)))
        for i, p in enumerate(self.parameters):
            p.grad = sum(grads[i] for _, grads in shares)
        return sum(loss for loss, _ in shares)

    def load(self, saved):
        self.model.load_state_dict(saved["model"])
        self.optimiser.load(saved["optimiser"])
        self.step, self.tokens, self.seconds = saved["step"], saved["tokens"], saved["seconds"]

    def save(self):
        state = {
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state(),
            "step": self.step,
            "tokens": self.tokens,
            "seconds": self.seconds,
        }
        torch.save(state, self.path + ".new")
        os.replace(self.path + ".new", self.path)


def train(options, stage, shape, schedule):
    torch.manual_seed(options.seed)
    run = Run(options, stage, shape)
    made = random.Random(options.seed + run.step)
    words = tokenizer.Tokenizer(vocabulary(options))
    writer = chats.Writer(options.corpus, FACTS, made)
    rows = mix.Mix(stage, options.out, writer.next, words, schedule.window, made)
    minutes = options.minutes or schedule.minutes
    matrices = sum(p.numel() for p in run.model.matrices())
    print(
        "%s: %.2f M ternary weights, %.2f M embedding"
        % (stage, matrices / 1e6, shape.vocab * shape.dim / 1e6)
    )
    log = open(os.path.join(options.out, stage + ".csv"), "a", newline="")
    table = csv.writer(log)
    print("held out at the start:", held_loss(run.model, options.out, options.device), flush=True)
    average, last = None, time.monotonic()
    saved = last
    while run.seconds < minutes * 60:
        done = run.seconds / (minutes * 60)
        rate = rate_at(schedule, run.step, done)
        ids, counted = rows.batch(schedule.batch_tokens // schedule.window)
        ids, counted = torch.from_numpy(ids).to(options.device), torch.from_numpy(counted).to(
            options.device
        )
        value = run.gradient(ids, counted)
        if not math.isfinite(value):
            raise SystemExit(
                "step %d: the loss is not a number; the last checkpoint is whole" % run.step
            )
        run.optimiser.step(rate, schedule.decay if done < 0.5 else 0.0, run.pool)
        average = value if average is None else 0.98 * average + 0.02 * value
        now = time.monotonic()
        run.seconds += min(now - last, 5.0)  # a stopped process does not spend the schedule
        last = now
        run.step += 1
        run.tokens += ids.numel() - ids.shape[0]
        if run.step % 50 == 0:
            held = held_loss(run.model, options.out, options.device) if run.step % 300 == 0 else {}
            table.writerow(
                [run.step, run.tokens, "%.0f" % run.seconds, "%.4f" % average, "%.5f" % rate]
                + ["%.4f" % x for x in held.values()]
            )
            log.flush()
            print(
                "%s step %d, %.2f M tokens, %.0f s, loss %.4f, rate %.5f %s"
                % (
                    stage,
                    run.step,
                    run.tokens / 1e6,
                    run.seconds,
                    average,
                    rate,
                    " ".join("%s %.3f" % x for x in held.items()),
                ),
                flush=True,
            )
        if now - saved > CHECKPOINT_SECONDS:
            run.save()
            saved = now
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
