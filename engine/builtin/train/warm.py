"""Start from an earlier version's GGUF: its matrices, norms, and embedding under a new
vocabulary.

A file holds no latent weights, only their ternary values. They are drawn anew: normal numbers
whose rounding gives these values. A piece that the old vocabulary lacks gets the mean of those
that spell it.
"""
import numpy as np
import torch

import gguf
from export import NAMES


def latent(values, random):
    """Weights that the training rounds to `values` (ternary times a scale): [rows][columns]."""
    scale = np.abs(values).max()
    codes = np.rint(values / scale).astype(np.int8)
    deviation = scale * np.sqrt(np.pi / 2)  # the absolute mean of a normal number is the scale
    out = random.standard_normal(values.shape).astype(np.float32) * deviation
    for code in (-1, 0, 1):
        places = np.argwhere(codes == code)
        while len(places):  # draw again where the rounding differs
            drawn = random.standard_normal(len(places)).astype(np.float32) * deviation
            out[tuple(places.T)] = drawn
            places = places[np.clip(np.rint(drawn / scale), -1, 1) != code]
    return out


def spell(text, old):
    """Ids of the longest old pieces, from the left, that spell text; bytes where there is none."""
    ids = []
    while text:
        n = next((n for n in range(len(text), 0, -1) if text[:n] in old), 0)
        if n:
            ids.append(old[text[:n]])
        else:
            n = 1
            ids += [old["<0x%02X>" % b] for b in text[0].encode()]
        text = text[n:]
    return ids


def embedding(rows, old_tokens, words):
    old = {token.decode(): i for i, token in enumerate(old_tokens)}
    new = [words.pieces.id_to_piece(i) for i in range(words.pieces.get_piece_size())]
    return np.stack([rows[old[t]] if t in old else rows[spell(t, old)].mean(0) for t in new])


def load(model, path, words):
    """Set the model's parameters from the file at path."""
    file, random = gguf.Reader(path), np.random.default_rng(1)
    rows = embedding(file.tensors["token_embd.weight"], file.keys["tokenizer.ggml.tokens"], words)
    state = {"embedding": rows, "norm": file.tensors["output_norm.weight"]}
    for i in range(model.shape.layers):
        for mine, theirs in NAMES.items():
            values = file.tensors["blk.%d.%s.weight" % (i, theirs)]
            state["layers.%d.%s" % (i, mine)] = (
                latent(values, random) if values.ndim == 2 else values
            )
    model.load_state_dict(
        {name: torch.from_numpy(np.ascontiguousarray(v)) for name, v in state.items()}
    )
