"""The network: BitNet b1.58 as ryot's `bitnet-b1.58` architecture reads it.

Before each group of ternary matrices an RMSNorm and an int8 quantisation of every token
(absmax); weights ternary with one scale a matrix (absmean, rounded to bfloat16 so that float16
holds it too); feed forward down(norm(relu(gate)^2 * up)); rotary positions on halves; the
embedding is the head too. Gradients pass straight through both roundings.
"""
import torch
import torch.nn as nn
import torch.nn.functional as F

EPS = 1e-5
ROPE_BASE = 10000.0


def scale_of(w):
    """A matrix's ternary scale, exact in bfloat16 and in float16."""
    return w.float().abs().mean().clamp(min=1e-4).bfloat16().to(w.dtype)


def ternary(w):
    """w rounded to {-1, 0, 1} times its scale; the gradient passes unchanged."""
    g = scale_of(w.detach())
    return w + ((w / g).round().clamp(-1, 1) * g - w).detach()


def rms_norm(x, w):
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + EPS) * w


def bit_linear(x, dtype, *weights):
    """Products of x, rounded to int8, with ternary matrices that share it; sums in float32."""
    s = 127 / x.detach().abs().amax(-1, keepdim=True).clamp(min=1e-5)
    q = x * s
    q = q + (q.round() - q).detach()
    w = torch.cat([ternary(m) for m in weights])
    return F.linear(q.to(dtype), w.to(dtype)).to(x.dtype) * (1 / s)


class Layer(nn.Module):
    def __init__(self, shape):
        super().__init__()
        D, N, kv = shape.dim, shape.ffn, shape.kv_heads * (shape.dim // shape.heads)
        deviation = 0.03 if D <= 256 else 0.02
        small = deviation / (2 * shape.layers) ** 0.5

        def matrix(rows, columns, std):
            return nn.Parameter(torch.randn(rows, columns) * std)

        self.shape = shape
        self.attn_norm, self.attn_sub_norm = [nn.Parameter(torch.ones(D)) for _ in range(2)]
        self.ffn_norm, self.ffn_sub_norm = nn.Parameter(torch.ones(D)), nn.Parameter(torch.ones(N))
        self.q, self.o = matrix(D, D, deviation), matrix(D, D, small)
        self.k, self.v = matrix(kv, D, deviation), matrix(kv, D, deviation)
        self.gate, self.up = matrix(N, D, deviation), matrix(N, D, deviation)
        self.down = matrix(D, N, small)

    def attention(self, x, cos, sin, B, T, dtype):
        H, K = self.shape.heads, self.shape.kv_heads
        d = self.shape.dim // H
        y = bit_linear(rms_norm(x, self.attn_norm), dtype, self.q, self.k, self.v)
        y = y.view(B, T, H + 2 * K, d).transpose(1, 2)
        a, b = y[:, : H + K, :, : d // 2], y[:, : H + K, :, d // 2 :]
        rotated = torch.cat((a * cos - b * sin, b * cos + a * sin), -1)
        q, k, v = rotated[:, :H], rotated[:, H:], y[:, H + K :]
        k, v = k.repeat_interleave(H // K, 1), v.repeat_interleave(H // K, 1)
        score = (q * d**-0.5).to(dtype) @ k.to(dtype).transpose(2, 3)
        future = torch.ones(T, T, dtype=torch.bool, device=x.device).triu(1)
        p = torch.softmax(score.to(x.dtype).masked_fill(future, float("-inf")), -1)
        out = (p.to(dtype) @ v.to(dtype)).to(x.dtype).transpose(1, 2).reshape(B * T, H * d)
        return x + bit_linear(rms_norm(out, self.attn_sub_norm), dtype, self.o)

    def feed_forward(self, x, dtype):
        gate, up = bit_linear(rms_norm(x, self.ffn_norm), dtype, self.gate, self.up).chunk(2, -1)
        h = rms_norm(F.relu(gate).square() * up, self.ffn_sub_norm)
        return x + bit_linear(h, dtype, self.down)


class Model(nn.Module):
    """`fused`: fused.load's functions, to train on a CPU. `dtype`: of the plain path's products."""

    def __init__(self, shape, dtype=torch.float32, fused=None):
        super().__init__()
        self.shape, self.dtype, self.fused = shape, dtype, fused
        self.embedding = nn.Parameter(torch.randn(shape.vocab, shape.dim) * 0.05)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = nn.Parameter(torch.ones(shape.dim))
        d = shape.dim // shape.heads
        turn = ROPE_BASE ** (-torch.arange(0, d, 2).float() / d)
        angle = torch.arange(shape.context).float()[:, None] * turn
        self.register_buffer("cos", angle.cos(), persistent=False)
        self.register_buffer("sin", angle.sin(), persistent=False)

    def matrices(self):
        """The ternary matrices; all other parameters stay in high precision."""
        return [p for layer in self.layers for p in layer.parameters() if p.dim() == 2]

    def hidden(self, ids):
        """ids [B][T] -> normed hidden rows [B * T][dim]."""
        B, T = ids.shape
        x = F.embedding(ids.reshape(-1), self.embedding)
        for l in self.layers:
            if self.fused and self.training:
                x = self.fused[0](
                    x, l.attn_norm, l.attn_sub_norm, l.q, l.k, l.v, l.o, self.cos, self.sin, B, T
                )
                x = self.fused[1](x, l.ffn_norm, l.ffn_sub_norm, l.gate, l.up, l.down)
            else:
                x = l.feed_forward(
                    l.attention(x, self.cos[:T], self.sin[:T], B, T, self.dtype), self.dtype
                )
        return rms_norm(x, self.norm)

    def logits(self, ids):
        h = self.hidden(ids)
        return F.linear(h.to(self.dtype), self.embedding.to(self.dtype)).float()

    def loss(self, ids, targets, counted=None):
        """Mean cross entropy over the targets, or over those that `counted` (0 or 1) marks."""
        h, t = self.hidden(ids), targets.reshape(-1)
        if counted is not None:
            keep = counted.reshape(-1).nonzero()[:, 0]
            h, t = h[keep], t[keep]
        if self.fused and self.training:
            return self.fused[2](h, self.embedding, t.contiguous())
        return F.cross_entropy(F.linear(h.to(self.dtype), self.embedding.to(self.dtype)).float(), t)
