// Kernels of the built-in model's training on a CPU; fused.py compiles and calls them, nothing in
// ryot. Every function works on `rows` rows of its arrays; none allocates or keeps state, so that
// threads may run them side by side. A bf is a bfloat16 (the upper half of a float). Activations
// are quantised to int8 values held as bf (exact), and `s` is a row's scale; products with ternary
// weights are made by the caller and arrive without that scale. model.py computes the same with
// plain tensors.
#include <math.h>
#include <stdint.h>
#include <string.h>

typedef uint16_t bf;

static inline float wide(bf x)
{
    uint32_t u = (uint32_t)x << 16;
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

static inline bf narrow(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return (bf)((u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
}

// q [T][n] = int8 values of RMSNorm(x) * w; s [T] their scales; r [T] = 1 / rms.
void norm_quant(long rows, long n, const float *restrict x, const float *restrict w, float eps,
                bf *restrict q, float *restrict s, float *restrict r)
{
    for (long t = 0; t < rows; t++) {
        const float *a = x + t * n;
        float sum = 0, top = 0;
        for (long i = 0; i < n; i++) {
            float h = fabsf(a[i] * w[i]);
            sum += a[i] * a[i];
            top = h > top ? h : top;
        }
        float inv = 1 / sqrtf(sum / (float)n + eps);
        top *= inv;
        top = top > 1e-5f ? top : 1e-5f;
        float z = inv * 127 / top;
        for (long i = 0; i < n; i++)
            q[t * n + i] = narrow(nearbyintf(a[i] * w[i] * z));
        s[t] = top / 127;
        r[t] = inv;
    }
}

// The gradient gx [T][n] of norm_quant from g (rounding counts as identity); gw [n] is added to.
void norm_quant_back(long rows, long n, const bf *restrict g, const float *restrict x,
                     const float *restrict w, const float *restrict r, float *restrict gx,
                     float *restrict gw)
{
    for (long t = 0; t < rows; t++) {
        const float *a = x + t * n;
        const bf *b = g + t * n;
        float inv = r[t], dot = 0;
        for (long i = 0; i < n; i++)
            dot += wide(b[i]) * w[i] * a[i];
        dot = dot * inv * inv / (float)n;
        for (long i = 0; i < n; i++) {
            float gi = wide(b[i]);
            gw[i] += gi * a[i] * inv;
            gx[t * n + i] = (gi * w[i] - a[i] * dot) * inv;
        }
    }
}

// y = x + s * lin, rows of n.
void scale_add(long rows, long n, const float *restrict x, const bf *restrict lin,
               const float *restrict s, float *restrict y)
{
    for (long t = 0; t < rows; t++)
        for (long i = 0; i < n; i++)
            y[t * n + i] = x[t * n + i] + wide(lin[t * n + i]) * s[t];
}

// An output's gradient in two roundings: gb for the input's side, gs = gy * s for the weights'.
void split_grad(long rows, long n, const float *restrict gy, const float *restrict s,
                bf *restrict gb, bf *restrict gs)
{
    for (long t = 0; t < rows; t++)
        for (long i = 0; i < n; i++) {
            gb[t * n + i] = narrow(gy[t * n + i]);
            gs[t * n + i] = narrow(gy[t * n + i] * s[t]);
        }
}

// h [T][n] = relu(gate)^2 * up from lin [T][2n] (gate, then up; both without their scale s).
void relu2_gate(long rows, long n, const bf *restrict lin, const float *restrict s,
                float *restrict h)
{
    for (long t = 0; t < rows; t++) {
        const bf *gate = lin + t * 2 * n, *up = gate + n;
        float cube = s[t] * s[t] * s[t];
        for (long i = 0; i < n; i++) {
            float g = wide(gate[i]);
            g = g > 0 ? g : 0;
            h[t * n + i] = g * g * wide(up[i]) * cube;
        }
    }
}

// The gradient of relu2_gate, in the two roundings of split_grad.
void relu2_gate_back(long rows, long n, const float *restrict gh, const bf *restrict lin,
                     const float *restrict s, bf *restrict gb, bf *restrict gs)
{
    for (long t = 0; t < rows; t++) {
        const bf *gate = lin + t * 2 * n, *up = gate + n;
        bf *b = gb + t * 2 * n, *c = gs + t * 2 * n;
        float scale = s[t];
        for (long i = 0; i < n; i++) {
            float g = wide(gate[i]) * scale, u = wide(up[i]) * scale, d = gh[t * n + i];
            g = g > 0 ? g : 0;
            float dg = d * 2 * g * u, du = d * g * g;
            b[i] = narrow(dg);
            b[i + n] = narrow(du);
            c[i] = narrow(dg * scale);
            c[i + n] = narrow(du * scale);
        }
    }
}

// Rows are (sequence, position) pairs of sequences of T. lin [rows][(H + 2K) * d] without its scale
// becomes q [B][H][T][d] (rotated, times d^-1/2), k [B][K][T][d] (rotated) and v [B][K][T][d].
// c, n [T][d / 2] are the cosines and sines.
void rope(long rows, long T, long H, long K, long d, const bf *restrict lin,
          const float *restrict s, const float *restrict c, const float *restrict n, bf *restrict q,
          bf *restrict k, bf *restrict v)
{
    long half = d / 2;
    float root = 1 / sqrtf((float)d);
    for (long row = 0; row < rows; row++) {
        long b = row / T, t = row % T;
        const bf *a = lin + row * (H + 2 * K) * d;
        const float *cos = c + t * half, *sin = n + t * half;
        for (long h = 0; h < H + K; h++, a += d) {
            float m = h < H ? s[row] * root : s[row];
            bf *o = h < H ? q + ((b * H + h) * T + t) * d : k + ((b * K + h - H) * T + t) * d;
            for (long j = 0; j < half; j++) {
                float x = wide(a[j]) * m, y = wide(a[j + half]) * m;
                o[j] = narrow(x * cos[j] - y * sin[j]);
                o[j + half] = narrow(y * cos[j] + x * sin[j]);
            }
        }
        for (long h = 0; h < K; h++, a += d)
            for (long j = 0; j < d; j++)
                v[((b * K + h) * T + t) * d + j] = narrow(wide(a[j]) * s[row]);
    }
}

// The gradient of rope, in the two roundings of split_grad.
void rope_back(long rows, long T, long H, long K, long d, const bf *restrict gq,
               const bf *restrict gk, const bf *restrict gv, const float *restrict s,
               const float *restrict c, const float *restrict n, bf *restrict gb, bf *restrict gs)
{
    long half = d / 2;
    float root = 1 / sqrtf((float)d);
    for (long row = 0; row < rows; row++) {
        long b = row / T, t = row % T;
        bf *x = gb + row * (H + 2 * K) * d, *y = gs + row * (H + 2 * K) * d;
        const float *cos = c + t * half, *sin = n + t * half;
        for (long h = 0; h < H + K; h++, x += d, y += d) {
            float m = h < H ? root : 1;
            const bf *o =
                h < H ? gq + ((b * H + h) * T + t) * d : gk + ((b * K + h - H) * T + t) * d;
            for (long j = 0; j < half; j++) {
                float u = wide(o[j]) * m, w = wide(o[j + half]) * m;
                float p = u * cos[j] + w * sin[j], r = w * cos[j] - u * sin[j];
                x[j] = narrow(p);
                x[j + half] = narrow(r);
                y[j] = narrow(p * s[row]);
                y[j + half] = narrow(r * s[row]);
            }
        }
        for (long h = 0; h < K; h++, x += d, y += d)
            for (long j = 0; j < d; j++) {
                float g = wide(gv[((b * K + h) * T + t) * d + j]);
                x[j] = narrow(g);
                y[j] = narrow(g * s[row]);
            }
    }
}

// Causal softmax in place: rows of [..][T][T], row r at position r % T.
void causal_softmax(long rows, long T, bf *restrict p)
{
    for (long r = 0; r < rows; r++) {
        long n = r % T + 1;
        bf *a = p + r * T;
        float top = -1e30f, sum = 0;
        for (long i = 0; i < n; i++) {
            float x = wide(a[i]);
            top = x > top ? x : top;
        }
        for (long i = 0; i < n; i++)
            sum += expf(wide(a[i]) - top);
        sum = 1 / sum;
        for (long i = 0; i < n; i++)
            a[i] = narrow(expf(wide(a[i]) - top) * sum);
        memset(a + n, 0, (size_t)(T - n) * sizeof *a);
    }
}

// The gradient of causal_softmax, in place in g; p is what it gave.
void causal_softmax_back(long rows, long T, const bf *restrict p, bf *restrict g)
{
    for (long r = 0; r < rows; r++) {
        long n = r % T + 1;
        const bf *a = p + r * T;
        bf *b = g + r * T;
        float dot = 0;
        for (long i = 0; i < n; i++)
            dot += wide(a[i]) * wide(b[i]);
        for (long i = 0; i < n; i++)
            b[i] = narrow(wide(a[i]) * (wide(b[i]) - dot));
        memset(b + n, 0, (size_t)(T - n) * sizeof *b);
    }
}

// Attention's output o [B][H][T][d] to rows x [B * T][H * d].
void heads_to_rows(long rows, long T, long H, long d, const bf *restrict o, float *restrict x)
{
    for (long row = 0; row < rows; row++)
        for (long h = 0; h < H; h++)
            for (long j = 0; j < d; j++)
                x[(row * H + h) * d + j] = wide(o[((row / T * H + h) * T + row % T) * d + j]);
}

// The way back: rows x [B * T][H * d] to o [B][H][T][d].
void rows_to_heads(long rows, long T, long H, long d, const float *restrict x, bf *restrict o)
{
    for (long row = 0; row < rows; row++)
        for (long h = 0; h < H; h++)
            for (long j = 0; j < d; j++)
                o[((row / T * H + h) * T + row % T) * d + j] = narrow(x[(row * H + h) * d + j]);
}

// Cross entropy of rows of V logits for the targets y: loss [T]; the logits become gain times their
// gradient.
void cross_entropy(long rows, long V, bf *restrict logits, const int64_t *restrict y, float gain,
                   float *restrict loss)
{
    for (long t = 0; t < rows; t++) {
        bf *a = logits + t * V;
        float top = -1e30f, sum = 0, target = wide(a[y[t]]);
        for (long i = 0; i < V; i++) {
            float x = wide(a[i]);
            top = x > top ? x : top;
        }
        for (long i = 0; i < V; i++)
            sum += expf(wide(a[i]) - top);
        loss[t] = logf(sum) + top - target;
        float z = gain / sum;
        for (long i = 0; i < V; i++)
            a[i] = narrow(expf(wide(a[i]) - top) * z);
        a[y[t]] = narrow(expf(target - top) * z - gain);
    }
}

// Rows of n ternary weights times their scale g.
void ternary(long rows, long n, const float *restrict w, float g, bf *restrict o)
{
    for (long i = 0; i < rows * n; i++) {
        float x = nearbyintf(w[i] / g);
        x = x > 1 ? 1 : x < -1 ? -1 : x;
        o[i] = narrow(x * g);
    }
}
