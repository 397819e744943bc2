#!/usr/bin/python3
"""Write the trained model as GGUF: TQ2_0 matrices, F16 embedding, F32 norms, vocabulary,
provenance.

    export.py --run run/chat.pt --vocabulary run/vocabulary.model ryot-builtin.gguf
"""
import argparse
import os

import numpy as np
import torch

import gguf
import tokenizer
from model import EPS, ROPE_BASE, scale_of
from settings import PRESETS

ARCH = "bitnet-b1.58"
LICENCE = "MIT"
SOURCES = (
    "TinyStories and Topical-Chat (CDLA-Sharing-1.0), TinyFabulist fables of permissively licensed "
    "models (MIT), FairytaleQA (Apache-2.0), African Storybook and Pratham Books (CC-BY), "
    "self-dialogue and chatterbot corpora (BSD-3-Clause), children's books of Project Gutenberg "
    "(public domain), and text written for ryot"
)
NAMES = {
    "attn_norm": "attn_norm",
    "attn_sub_norm": "attn_sub_norm",
    "ffn_norm": "ffn_norm",
    "ffn_sub_norm": "ffn_sub_norm",
    "q": "attn_q",
    "k": "attn_k",
    "v": "attn_v",
    "o": "attn_output",
    "gate": "ffn_gate",
    "up": "ffn_up",
    "down": "ffn_down",
}


def describe(out, shape, tokens, note):
    out.set("general.architecture", gguf.STRING, ARCH)
    out.set("general.name", gguf.STRING, "ryot built-in")
    out.set(
        "general.description",
        gguf.STRING,
        "Tiny demonstration model of ryot, trained from scratch: small talk, "
        "answers from facts about ryot that it is given, tiny stories.",
    )
    out.set("general.license", gguf.STRING, LICENCE)
    seen = "%.1f million tokens seen%s" % (tokens / 1e6, note)
    out.set("general.source", gguf.STRING, "%s; %s" % (SOURCES, seen))
    out.set("general.file_type", gguf.U32, 37)
    for key, v in (
        ("context_length", shape.context),
        ("embedding_length", shape.dim),
        ("block_count", shape.layers),
        ("feed_forward_length", shape.ffn),
        ("attention.head_count", shape.heads),
        ("attention.head_count_kv", shape.kv_heads),
        ("attention.key_length", shape.dim // shape.heads),
        ("attention.value_length", shape.dim // shape.heads),
        ("rope.dimension_count", shape.dim // shape.heads),
        ("vocab_size", shape.vocab),
    ):
        out.set("%s.%s" % (ARCH, key), gguf.U32, v)
    out.set(ARCH + ".attention.layer_norm_rms_epsilon", gguf.FLOAT, EPS)
    out.set(ARCH + ".rope.freq_base", gguf.FLOAT, ROPE_BASE)


def token_type(pieces, i):
    """GGUF's kinds: 2 unknown, 3 control, 6 byte, 1 any other."""
    return (
        2 if pieces.is_unknown(i) else 3 if pieces.is_control(i) else 6 if pieces.is_byte(i) else 1
    )


def vocabulary(out, words):
    pieces, n = words.pieces, words.pieces.get_piece_size()
    out.set("tokenizer.ggml.model", gguf.STRING, "llama")
    out.set_array("tokenizer.ggml.tokens", gguf.STRING, [pieces.id_to_piece(i) for i in range(n)])
    out.set_array("tokenizer.ggml.scores", gguf.FLOAT, [pieces.get_score(i) for i in range(n)])
    out.set_array("tokenizer.ggml.token_type", gguf.I32, [token_type(pieces, i) for i in range(n)])
    for key, v in (
        ("bos", tokenizer.BOS),
        ("eos", words.end),
        ("eot", words.end),
        ("unknown", tokenizer.UNK),
    ):
        out.set("tokenizer.ggml.%s_token_id" % key, gguf.U32, v)
    out.set("tokenizer.ggml.add_bos_token", gguf.BOOL, True)
    out.set("tokenizer.ggml.add_eos_token", gguf.BOOL, False)
    out.set("tokenizer.ggml.add_space_prefix", gguf.BOOL, False)
    out.set("tokenizer.chat_template", gguf.STRING, tokenizer.TEMPLATE)


def weights(out, state, shape):
    out.tensor(
        "token_embd.weight", gguf.F16, shape.dim, state["embedding"].numpy().astype(np.float16)
    )
    out.tensor("output_norm.weight", gguf.F32, shape.dim, state["norm"].numpy())
    for i in range(shape.layers):
        for mine, theirs in NAMES.items():
            w, name = state["layers.%d.%s" % (i, mine)].float(), "blk.%d.%s.weight" % (i, theirs)
            if w.dim() == 1:
                out.tensor(name, gguf.F32, len(w), w.numpy())
                continue
            scale = scale_of(w).item()
            codes = (w / scale).round().clamp(-1, 1).numpy().astype(np.int8)
            out.tensor(name, gguf.TQ2_0, w.shape[1], gguf.pack_tq2(codes, scale))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", default="run/chat.pt", help="checkpoint")
    parser.add_argument("--vocabulary", default="run/vocabulary.model")
    parser.add_argument("--preset", choices=list(PRESETS), default="cpu")
    parser.add_argument(
        "--note", help="said after the number of tokens, as of an earlier version's"
    )
    parser.add_argument("file")
    options = parser.parse_args()
    shape = PRESETS[options.preset][0]
    saved = torch.load(options.run, map_location="cpu")
    out = gguf.Writer()
    note = ", " + options.note if options.note else ""
    describe(out, shape, saved["before"] + saved["tokens"], note)
    vocabulary(out, tokenizer.Tokenizer(options.vocabulary))
    weights(out, saved["model"], shape)
    out.write(options.file)
    print("%s: %d bytes" % (options.file, os.path.getsize(options.file)))


if __name__ == "__main__":
    main()
