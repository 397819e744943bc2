"""The training's C kernels (fused.c) as autograd functions; threads may run them side by side.

A CPU without bfloat16 matrix instructions trains with model.py's plain tensors instead, far
slower.
"""
import ctypes
import os
import subprocess
import tempfile

import torch
import torch.nn.functional as F

EPS = 1e-5
BF = torch.bfloat16
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -2, -3, -8


def keep_buffers():
    """Tell glibc to reuse large buffers instead of mapping and faulting them anew at every step."""
    libc = ctypes.CDLL(None)
    for option in (M_MMAP_THRESHOLD, M_TRIM_THRESHOLD):
        libc.mallopt(option, 1 << 30)
    libc.mallopt(M_TOP_PAD, 1 << 29)
    libc.mallopt(M_ARENA_MAX, 1)


def compile_kernels():
    """fused.c as a shared library in the temporary folder; None where there is no compiler."""
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fused.c")
    target = os.path.join(tempfile.gettempdir(), "ryot-fused-%d.so" % os.getuid())
    command = [
        "gcc",
        "-O3",
        "-march=native",
        "-ffast-math",
        "-shared",
        "-fPIC",
        source,
        "-o",
        target,
        "-lm",
    ]
    try:
        subprocess.check_call(command)
        return ctypes.CDLL(target)
    except (OSError, subprocess.CalledProcessError) as error:
        print("no fused kernels:", error)
        return None


def argument(x):
    if isinstance(x, torch.Tensor):
        return ctypes.c_void_p(x.data_ptr())
    return ctypes.c_float(x) if isinstance(x, float) else ctypes.c_long(x)


class Kernels:
    def __init__(self, library):
        self.library = library

    def run(self, name, rows, *args):
        getattr(self.library, name)(ctypes.c_long(rows), *map(argument, args))

    def norm_quant(self, x, w):
        rows, n = x.shape
        q, s, r = torch.empty(rows, n, dtype=BF), torch.empty(rows), torch.empty(rows)
        self.run("norm_quant", rows, n, x, w, EPS, q, s, r)
        return q, s, r

    def norm_quant_back(self, g, x, w, r):
        rows, n = x.shape
        gx, gw = torch.empty(rows, n), torch.zeros(n)
        self.run("norm_quant_back", rows, n, g, x, w, r, gx, gw)
        return gx, gw

    def ternary(self, *weights):
        """Ternary values times their scale, the matrices one below the other."""
        out = torch.empty(sum(w.shape[0] for w in weights), weights[0].shape[1], dtype=BF)
        top = 0
        for w in weights:
            g = w.abs().mean().clamp(min=1e-4).to(BF).item()
            self.run("ternary", w.shape[0], w.shape[1], w, g, out[top:])
            top += w.shape[0]
        return out

    def split(self, gy, s):
        gb, gs = torch.empty(gy.shape, dtype=BF), torch.empty(gy.shape, dtype=BF)
        self.run("split_grad", gy.shape[0], gy.shape[1], gy, s, gb, gs)
        return gb, gs


def make_functions(kernels, shape):
    """The autograd functions of a layer's halves and of the loss for one shape of network."""
    D, H, K, d, N = shape.dim, shape.heads, shape.kv_heads, shape.dim // shape.heads, shape.ffn
    run = kernels.run

    class Attention(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, norm, sub_norm, wq, wk, wv, wo, cos, sin, B, T):
            q1, s1, r1 = kernels.norm_quant(x, norm)
            w1, w2 = kernels.ternary(wq, wk, wv), kernels.ternary(wo)
            q, k, v = [torch.empty(B, h, T, d, dtype=BF) for h in (H, K, K)]
            run("rope", B * T, T, H, K, d, F.linear(q1, w1), s1, cos, sin, q, k, v)
            q, k, v = q.view(B * K, H // K * T, d), k.view(B * K, T, d), v.view(B * K, T, d)
            p = torch.bmm(q, k.transpose(1, 2))
            run("causal_softmax", B * H * T, T, p)
            rows = torch.empty(B * T, D)
            run("heads_to_rows", B * T, T, H, d, torch.bmm(p, v), rows)
            q2, s2, r2 = kernels.norm_quant(rows, sub_norm)
            y = torch.empty_like(x)
            run("scale_add", B * T, D, x, F.linear(q2, w2), s2, y)
            ctx.save_for_backward(
                x, norm, sub_norm, cos, sin, q1, s1, r1, w1, w2, q, k, v, p, rows, q2, s2, r2
            )
            ctx.size = B, T
            return y

        @staticmethod
        def backward(ctx, gy):
            (
                x,
                norm,
                sub_norm,
                cos,
                sin,
                q1,
                s1,
                r1,
                w1,
                w2,
                q,
                k,
                v,
                p,
                rows,
                q2,
                s2,
                r2,
            ) = ctx.saved_tensors
            B, T = ctx.size
            gy = gy.contiguous()
            gb, gs = kernels.split(gy, s2)
            g_out = (gs.t() @ q2).float()
            g_rows, g_sub = kernels.norm_quant_back(gb @ w2, rows, sub_norm, r2)
            go = torch.empty(B * K, H // K * T, d, dtype=BF)
            run("rows_to_heads", B * T, T, H, d, g_rows, go)
            gp = torch.bmm(go, v.transpose(1, 2))
            gv = torch.bmm(p.transpose(1, 2), go)
            run("causal_softmax_back", B * H * T, T, p, gp)
            gq, gk = torch.bmm(gp, k), torch.bmm(gp.transpose(1, 2), q)
            gb, gs = [torch.empty(B * T, D + 2 * K * d, dtype=BF) for _ in range(2)]
            run("rope_back", B * T, T, H, K, d, gq, gk, gv, s1, cos, sin, gb, gs)
            g_in = (gs.t() @ q1).float().split([D, K * d, K * d])
            gx, g_norm = kernels.norm_quant_back(gb @ w1, x, norm, r1)
            return (gx.add_(gy), g_norm, g_sub) + tuple(g_in) + (g_out, None, None, None, None)

    class FeedForward(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, norm, sub_norm, gate, up, down):
            q1, s1, r1 = kernels.norm_quant(x, norm)
            w1, w2 = kernels.ternary(gate, up), kernels.ternary(down)
            lin, h = F.linear(q1, w1), torch.empty(x.shape[0], N)
            run("relu2_gate", x.shape[0], N, lin, s1, h)
            q2, s2, r2 = kernels.norm_quant(h, sub_norm)
            y = torch.empty_like(x)
            run("scale_add", x.shape[0], D, x, F.linear(q2, w2), s2, y)
            ctx.save_for_backward(x, norm, sub_norm, q1, s1, r1, w1, w2, lin, h, q2, s2, r2)
            return y

        @staticmethod
        def backward(ctx, gy):
            x, norm, sub_norm, q1, s1, r1, w1, w2, lin, h, q2, s2, r2 = ctx.saved_tensors
            gy = gy.contiguous()
            gb, gs = kernels.split(gy, s2)
            g_down = (gs.t() @ q2).float()
            gh, g_sub = kernels.norm_quant_back(gb @ w2, h, sub_norm, r2)
            gb, gs = torch.empty(lin.shape, dtype=BF), torch.empty(lin.shape, dtype=BF)
            run("relu2_gate_back", x.shape[0], N, gh, lin, s1, gb, gs)
            g_in = (gs.t() @ q1).float().split([N, N])
            gx, g_norm = kernels.norm_quant_back(gb @ w1, x, norm, r1)
            return (gx.add_(gy), g_norm, g_sub) + tuple(g_in) + (g_down,)

    class Loss(torch.autograd.Function):
        @staticmethod
        def forward(ctx, h, embedding, targets):
            hb, eb = h.to(BF), embedding.to(BF)
            logits, loss = F.linear(hb, eb), torch.empty(h.shape[0])
            run("cross_entropy", h.shape[0], eb.shape[0], logits, targets, 1.0 / h.shape[0], loss)
            ctx.save_for_backward(hb, eb, logits)
            return loss.mean()

        @staticmethod
        def backward(ctx, _):
            hb, eb, g = ctx.saved_tensors
            return (g @ eb).float(), (g.t() @ hb).float(), None

    return Attention.apply, FeedForward.apply, Loss.apply


def load(shape):
    """(attention, feed forward, loss) as functions, or None without a compiler."""
    library = compile_kernels()
    if library is None:
        return None
    keep_buffers()
    return make_functions(Kernels(library), shape)
