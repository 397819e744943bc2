#!/usr/bin/python3
"""Compare ryot's logits for the exported file with the training code's quantised forward pass.

    compare.py --ryot ./ryot --run run/chat.pt --vocabulary run/vocabulary.model ryot-builtin.gguf

For each prompt ryot writes a greedy answer; the logits of prompt and answer are compared at every position, and so
is the likeliest token. Fails when the root mean square difference exceeds 1e-3 of the logits' own.
"""
import argparse
import os
import subprocess
import sys
import tempfile

import numpy as np
import torch

import tokenizer
from model import Model
from settings import PRESETS

LIMIT = 1e-3
CHATS = [
    [("user", "Hello!")],
    [("user", "who are you?")],
    [("user", "Tell me a story about a fox and a lantern.")],
    [
        ("system", "Fact: Press ^G or type /tidy: it sorts the sessions."),
        ("user", "how do I sort them?"),
    ],
    [("system", "Fact: none"), ("user", "how do I frob the widget?")],
    [("user", "What is the capital of Peru?")],
    [
        ("user", "my name is Greta"),
        ("assistant", "Nice to meet you, Greta!"),
        ("user", "what is my name?"),
    ],
]


def logits_of(ryot, model, ids):
    with tempfile.NamedTemporaryFile() as out:
        subprocess.check_call(
            [ryot, "logits", "-q", "-m", model, "--tokens", ",".join(map(str, ids)), "-o", out.name]
        )
        return np.fromfile(out.name, dtype="<f4").reshape(len(ids), -1)


def greedy(ryot, model, ids, end, limit):
    """Up to `limit` tokens that ryot's logits make likeliest, one after the other."""
    ids = list(ids)
    while limit and ids[-1] != end:
        ids.append(int(logits_of(ryot, model, ids)[-1].argmax()))
        limit -= 1
    return ids


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ryot", default="ryot")
    parser.add_argument("--run", default="run/chat.pt")
    parser.add_argument("--vocabulary", default="run/vocabulary.model")
    parser.add_argument("--preset", choices=list(PRESETS), default="cpu")
    parser.add_argument("--answer", type=int, default=32, help="tokens of each answer")
    parser.add_argument("file")
    options = parser.parse_args()
    words = tokenizer.Tokenizer(options.vocabulary)
    model = Model(PRESETS[options.preset][0]).eval()
    model.load_state_dict(torch.load(options.run, map_location="cpu")["model"])
    model.embedding.data = model.embedding.data.half().float()  # as exported
    worst, same, total = 0.0, 0, 0
    for chat in CHATS:
        ids = greedy(options.ryot, options.file, words.prompt(chat), words.end, options.answer)
        theirs = logits_of(options.ryot, options.file, ids)
        with torch.no_grad():
            ours = model.logits(torch.tensor([ids])).numpy()
        difference = float(np.sqrt(np.mean((ours - theirs) ** 2) / np.mean(ours**2)))
        equal = int((ours.argmax(-1) == theirs.argmax(-1)).sum())
        worst, same, total = max(worst, difference), same + equal, total + len(ids)
        print(
            "%-48s %3d tokens, relative difference %.2e, likeliest token equal at %d"
            % (chat[-1][1][:48], len(ids), difference, equal)
        )
    print(
        "largest relative difference %.2e; likeliest token equal at %d of %d positions"
        % (worst, same, total)
    )
    sys.exit(worst > LIMIT)


if __name__ == "__main__":
    main()
