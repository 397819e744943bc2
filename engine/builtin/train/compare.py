#!/usr/bin/python3
"""Compare ryot's logits for the exported file with the training code's quantised forward pass.

    compare.py --ryot ./ryot --run run/chat.pt --vocabulary run/vocabulary.model ryot-builtin.gguf

The prompts of check_talk.txt and some chats, at every position, with a float32 KV cache. Both
sides round activations to int8, so that a value next to a tie, moved by the last bit of a sum,
becomes another integer, and every later position sees it. A control shows how often: the
training code in float64 against itself in float32. Fails when the median prompt differs by more
than 1e-3 (root mean square over the logits' own), when ryot stays within that on clearly fewer
prompts than the control, or when fewer than 98 % of the positions agree on the likeliest token.
"""
import argparse
import os
import subprocess
import sys
import tempfile

import numpy as np
import torch

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


def logits_of_ryot(ryot, model, ids):
    with tempfile.NamedTemporaryFile() as out:
        command = [ryot, "logits", "-q", "--kv", "f32", "-m", model, "-o", out.name]
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
    found, control, same, total = [], [], 0, 0
    for chat in CHATS + [[("user", prompt)] for prompt in lines(PROMPTS)]:
        ids = words.prompt(chat)
        ours, theirs = logits_of_model(single, ids), logits_of_ryot(options.ryot, options.file, ids)
        found.append(difference(ours, theirs))
        control.append(difference(ours, logits_of_model(double, ids)))
        same += int((ours.argmax(-1) == theirs.argmax(-1)).sum())
        total += len(ids)
    for name, values in (("ryot", found), ("control", control)):
        near = sum(v <= LIMIT for v in values)
        print(
            "%-8s relative difference: median %.1e, largest %.1e, within %g on %d of %d prompts"
            % (name, np.median(values), max(values), LIMIT, near, len(values))
        )
    print("likeliest token equal at %d of %d positions" % (same, total))
    near = [np.mean(np.array(values) <= LIMIT) for values in (found, control)]
    sys.exit(bool(np.median(found) > LIMIT or near[0] < near[1] - 0.2 or same < 0.98 * total))


if __name__ == "__main__":
    main()
