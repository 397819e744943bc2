#!/usr/bin/python3
"""Compare ryot's logits for the exported file with the training code's quantised forward pass.

    compare.py --ryot ./ryot --run run/chat.pt --vocabulary run/vocabulary.model ryot-builtin.gguf

The prompts of check_talk.txt and some chats, at every position, with a float32 KV cache, in three
ways. `ordered`: ordered.py, the forward pass in the order of ryot's operations, against ryot's
standard attention; it has to give the same bits. `model`: model.py in float32 against ryot's flash
attention. Both sides round activations to int8, so that a value next to a tie, moved by the last
bit of a sum, becomes another integer, and every later position sees it; `control`, model.py in
float64 against itself in float32, shows how often. Fails where `ordered` differs anywhere by more
than 1e-3 (root mean square over the logits' own), when the median of `model` does, when `model`
stays within that on clearly fewer prompts than `control`, or when fewer than 98 % of its positions
agree on the likeliest token.
"""
import argparse
import os
import subprocess
import sys
import tempfile

import numpy as np
import torch

import ordered
import tokenizer
from evaluate import lines
from model import Model
from settings import PRESETS

LIMIT = 1e-3
PROMPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "check_talk.txt")
CHATS = [
    [("user", "Tell me a story about a fox and a lantern.")],
    [
        ("system", "Fact: Press ^G or type /tidy: it sorts the sessions."),
        ("user", "how do I sort them?"),
    ],
    [("system", "Fact: none"), ("user", "how do I frob the widget?")],
    [
        ("user", "my name is Greta"),
        ("assistant", "Nice to meet you, Greta!"),
        ("user", "what is my name?"),
    ],
]


def logits_of_ryot(options, attention, ids):
    with tempfile.NamedTemporaryFile() as out:
        command = [options.ryot, "logits", "-q", "--kv", "f32", "--attention", attention]
        command += ["-m", options.file, "-o", out.name]
        subprocess.check_call(command + ["--tokens", ",".join(map(str, ids))])
        return np.fromfile(out.name, dtype="<f4").reshape(len(ids), -1)


def logits_of_model(model, ids):
    with torch.no_grad():
        return model.logits(torch.tensor([ids])).numpy()


def load(options, dtype):
    """The trained network with its embedding as exported, in float32 or float64."""
    model = Model(PRESETS[options.preset][0], dtype).eval()
    model.load_state_dict(torch.load(options.run, map_location="cpu")["model"])
    model.embedding.data = model.embedding.data.half().float()
    return model.to(dtype)


def difference(a, b):
    return float(np.sqrt(np.mean((a - b) ** 2) / np.mean(a**2)))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ryot", default="ryot")
    parser.add_argument("--run", default="run/chat.pt")
    parser.add_argument("--vocabulary", default="run/vocabulary.model")
    parser.add_argument("--preset", choices=list(PRESETS), default="cpu")
    parser.add_argument("file")
    options = parser.parse_args()
    words = tokenizer.Tokenizer(options.vocabulary)
    single, double = load(options, torch.float32), load(options, torch.float64)
    exact = ordered.Ordered(single.shape, single.state_dict())
    found = {"ordered": [], "model": [], "control": []}
    bits = same = total = 0
    for chat in CHATS + [[("user", prompt)] for prompt in lines(PROMPTS)]:
        ids = words.prompt(chat)
        ours, in_order = logits_of_model(single, ids), exact.logits(ids)
        flash, standard = [logits_of_ryot(options, a, ids) for a in ("flash", "standard")]
        found["ordered"].append(difference(in_order, standard))
        found["model"].append(difference(ours, flash))
        found["control"].append(difference(ours, logits_of_model(double, ids)))
        bits += int((in_order == standard).all(-1).sum())
        same += int((ours.argmax(-1) == flash.argmax(-1)).sum())
        total += len(ids)
    near = {name: sum(v <= LIMIT for v in values) for name, values in found.items()}
    for name, values in found.items():
        print(
            "%-8s relative difference: median %.1e, largest %.1e, within %g on %d of %d prompts"
            % (name, np.median(values), max(values), LIMIT, near[name], len(values))
        )
    print("ordered: every logit equal at %d of %d positions" % (bits, total))
    print("model: likeliest token equal at %d of %d positions" % (same, total))
    few = near["control"] - 0.2 * len(found["control"])
    differs = (
        max(found["ordered"]) > LIMIT
        or np.median(found["model"]) > LIMIT
        or near["model"] < few
        or same < 0.98 * total
    )
    sys.exit(bool(differs))


if __name__ == "__main__":
    main()
