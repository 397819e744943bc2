#!/usr/bin/python3
"""Compare the kernels of fused.c with model.py's plain tensors: the loss and every gradient."""
import os

os.environ["OMP_NUM_THREADS"] = "1"

import torch

import fused
from model import Model
from settings import Shape


def gradients(model, ids):
    loss = model.loss(ids[:, :-1], ids[:, 1:])
    return loss.item(), torch.autograd.grad(loss, list(model.parameters()))


def main():
    torch.manual_seed(1)
    shape = Shape(dim=256, layers=2, heads=4, kv_heads=2, ffn=512, vocab=512, context=128)
    plain = Model(shape, torch.float32)
    quick = Model(shape, torch.bfloat16, fused.load(shape))
    quick.load_state_dict(plain.state_dict())
    ids = torch.randint(0, shape.vocab, (4, 65))
    (loss, expected), (loss_quick, got) = gradients(plain, ids), gradients(quick, ids)
    worst = 0.0
    for (name, _), e, g in zip(plain.named_parameters(), expected, got):
        error = ((e - g).norm() / e.norm()).item()
        worst = max(worst, error if error == error else float("inf"))
        print("%-26s norm %.4g, relative difference %.4f" % (name, e.norm().item(), error))
    print(
        "loss %.5f plain, %.5f fused; largest relative difference of a gradient %.4f"
        % (loss, loss_quick, worst)
    )
    if worst > 0.1 or abs(loss - loss_quick) > 0.01:
        raise SystemExit("the kernels do not compute what the plain tensors do")


if __name__ == "__main__":
    main()
