"""model.py's quantised forward pass once more, in float32 and in the order of ryot's operations.

Rounding activations to int8 makes the last bit of a sum matter: next to a tie it decides on an
integer, and every later position sees it. PyTorch adds in an order of its own, so that its
logits and ryot's part there. This module takes the trained weights as model.py does and adds as
engine/kern/kern_scalar*.c say: sixteen lanes and a tree, fused multiplications, exp as a
polynomial, the rotation's table from float64. It shares no code with ryot and reads none of its
files; what remains of a difference is one of the formulas. NumPy; one prompt at a time.
"""
import numpy as np

from model import EPS, ROPE_BASE, scale_of

F = np.float32
LN2_HI, LN2_LO = F(float.fromhex("0x1.62e4p-1")), F(float.fromhex("0x1.7f7d1cp-20"))
LOG2E, MAGIC = F(float.fromhex("0x1.715476p+0")), F(1.5 * 2**23)
EXP_TERMS = [
    F(float.fromhex(term))
    for term in ("0x1.6d117cp-10", "0x1.120be2p-7", "0x1.555518p-5", "0x1.5554dcp-3", "0x1p-1")
] + [F(1), F(1)]
EXP_LOW = F(-87.33654)


def fma(a, b, c):
    """a * b + c, rounded once: in float64 rounded to odd, which float32's rounding then heals."""
    product, c = np.float64(a) * np.float64(b), np.float64(c)
    total = product + c
    part = total - product
    lost = (product - (total - part)) + (c - part)
    even = (np.ascontiguousarray(total).view(np.int64) & 1) == 0
    odd = np.nextafter(total, np.copysign(np.inf, lost))
    return np.where((lost != 0) & even, odd, total).astype(F)


def tree(lanes):
    """Sixteen partial sums [...][16] to one."""
    for step in (8, 4, 2, 1):
        lanes = lanes[..., :step] + lanes[..., step : 2 * step]
    return lanes[..., 0]


def exp(x):
    """For x of 0 and below."""
    v = np.maximum(x, EXP_LOW)
    z = fma(v, LOG2E, MAGIC)
    k = z - MAGIC
    r = fma(k, -LN2_LO, fma(k, -LN2_HI, v))
    p = np.full_like(r, EXP_TERMS[0])
    for term in EXP_TERMS[1:]:
        p = fma(p, r, term)
    return np.where(x < EXP_LOW, F(0), np.ldexp(p, k.astype(np.int32)))


def rms_norm(x, w):
    lanes = np.zeros(x.shape[:-1] + (16,), F)
    for i in range(0, x.shape[-1], 16):
        part = x[..., i : i + 16]
        lanes = fma(part, part, lanes)
    r = F(1) / np.sqrt(tree(lanes) / F(x.shape[-1]) + F(EPS))
    return x * r[..., None] * w


def softmax(x):
    """Rows of -infinity behind what a query sees."""
    e = exp(x - x.max(-1, keepdims=True))
    lanes = np.zeros(e.shape[:-1] + (16,), F)
    for i in range(0, e.shape[-1], 16):
        part = e[..., i : i + 16]
        lanes[..., : part.shape[-1]] += part
    return e * (F(1) / tree(lanes))[..., None]


class Ternary:
    """A matrix as codes and one scale."""

    def __init__(self, w):
        self.scale = F(scale_of(w).item())
        self.codes = (w / scale_of(w)).round().clamp(-1, 1).numpy().astype(np.int64)

    def of(self, x):
        """The product with rows of x, rounded to int8: an exact integer times both scales."""
        s = F(127) / np.maximum(np.abs(x).max(-1, keepdims=True), F(1e-5))
        q = np.clip(np.rint(x * s), -128, 127).astype(np.int64)
        return (self.scale * (F(1) / s)) * (q @ self.codes.T).astype(F)


class Layer:
    def __init__(self, shape, state, prefix):
        self.shape = shape
        for name, w in state.items():
            if name.startswith(prefix):
                w = w.float()
                value = Ternary(w) if w.dim() == 2 else w.numpy()
                setattr(self, name[len(prefix) :], value)

    def attention(self, x, cos, sin):
        n, heads, keys = len(x), self.shape.heads, self.shape.kv_heads
        d = self.shape.dim // heads
        y = rms_norm(x, self.attn_norm)
        q, k, v = [m.of(y).reshape(n, -1, d) for m in (self.q, self.k, self.v)]
        q, k = rotated(q, cos, sin) * F(d**-0.5), rotated(k, cos, sin)
        k, v = np.repeat(k, heads // keys, 1), np.repeat(v, heads // keys, 1)
        score = np.zeros((n, heads, n), F)
        for i in range(d):
            score = fma(q[:, :, None, i], k[None, :, :, i].transpose(0, 2, 1), score)
        future = np.triu(np.ones((n, n), bool), 1)[:, None, :]
        p = softmax(np.where(future, F(-np.inf), score))
        out = np.zeros((n, heads, d), F)
        for i in range(n):
            out = fma(p[:, :, i, None], v[None, i], out)
        return x + self.o.of(rms_norm(out.reshape(n, heads * d), self.attn_sub_norm))

    def feed_forward(self, x):
        y = rms_norm(x, self.ffn_norm)
        gate = np.maximum(self.gate.of(y), F(0))
        return x + self.down.of(rms_norm(gate * gate * self.up.of(y), self.ffn_sub_norm))


def rotated(x, cos, sin):
    a, b = np.split(x, 2, -1)
    return np.concatenate((fma(a, cos, -(b * sin)), fma(a, sin, b * cos)), -1)


class Ordered:
    """logits(ids) of a trained network's state."""

    def __init__(self, shape, state):
        self.embedding = state["embedding"].half().float().numpy()
        self.norm = state["norm"].numpy()
        self.layers = [Layer(shape, state, "layers.%d." % i) for i in range(shape.layers)]
        d = shape.dim // shape.heads
        turn = ROPE_BASE ** (-2.0 * np.arange(d // 2) / d)
        angle = np.arange(shape.context)[:, None, None] * turn
        self.cos, self.sin = np.cos(angle).astype(F), np.sin(angle).astype(F)

    def logits(self, ids):
        """[len(ids)][vocabulary], float32."""
        x, n = self.embedding[ids], len(ids)
        for layer in self.layers:
            x = layer.feed_forward(layer.attention(x, self.cos[:n], self.sin[:n]))
        x = rms_norm(x, self.norm)
        return np.stack([self.head(row) for row in x])

    def head(self, row):
        lanes = np.zeros((len(self.embedding), 16), F)
        for i in range(0, len(row), 16):
            lanes = fma(self.embedding[:, i : i + 16], row[i : i + 16], lanes)
        return tree(lanes)
