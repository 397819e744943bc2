"""Shapes and schedules of the built-in model: what the presets `cpu` and `gpu` mean."""
from dataclasses import dataclass


@dataclass
class Shape:
    dim: int  # a multiple of 256 (TQ2_0 blocks), like ffn
    layers: int
    heads: int
    kv_heads: int
    ffn: int
    vocab: int
    context: int


@dataclass
class Schedule:
    batch_tokens: int  # tokens a step
    window: int  # tokens a row
    rate: float  # peak learning rate of the ternary matrices
    end: float  # share of the peak that is left at the end
    warmup: int  # steps
    decay: float  # weight decay in the first half
    minutes: float  # training time; the rate follows the clock


PRESETS = {
    "cpu": (
        Shape(dim=256, layers=6, heads=4, kv_heads=2, ffn=768, vocab=4096, context=1024),
        {
            "base": Schedule(4096, 256, 8e-3, 0.5, 100, 0.1, 20.0),
            "chat": Schedule(4096, 512, 6e-3, 0.0, 30, 0.0, 30.0),
        },
    ),
    "gpu": (
        Shape(dim=512, layers=8, heads=8, kv_heads=4, ffn=1536, vocab=4096, context=1024),
        {
            "base": Schedule(32768, 512, 1e-2, 0.5, 200, 0.1, 20.0),
            "chat": Schedule(32768, 1024, 5e-3, 0.0, 50, 0.0, 20.0),
        },
    ),
}
