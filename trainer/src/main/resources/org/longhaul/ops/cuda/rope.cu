// Rotary embedding, half-split pairing (i, i + headDim/2). cos and sin are float [S, headDim/2]. One thread owns one chunk of W
// pairs of one token and walks every `groups`-th head, so that the angles are read once for several heads. Neighbouring threads
// own neighbouring chunks.

template <int W>
LH_INLINE void get(const elem *p, int half, float *a, float *b) {
    if constexpr (W == 8) {
        Raw8 ra = load8(p), rb = load8(p + half);
        unpack(ra, a);
        unpack(rb, b);
    } else {
        a[0] = toFloat(p[0]);
        b[0] = toFloat(p[half]);
    }
}

template <int W>
LH_INLINE void set(elem *p, int half, const float *a, const float *b) {
    if constexpr (W == 8) {
        put8(p, a);
        put8(p + half, b);
    } else {
        put(p, a[0]);
        put(p + half, b[0]);
    }
}

template <int W>
LH_INLINE void angles(const float *cos, const float *sin, i64 at, float sign, float *c, float *s) {
    if constexpr (W == 8) {
        get8(cos + at, c);
        get8(sin + at, s);
    } else {
        c[0] = cos[at];
        s[0] = sin[at];
    }
#pragma unroll
    for (int k = 0; k < W; k++) s[k] *= sign;
}

template <int W>
LH_INLINE void rotate(float *a, float *b, const float *c, const float *s) {
#pragma unroll
    for (int k = 0; k < W; k++) {
        float x = a[k] * c[k] - b[k] * s[k];
        b[k] = b[k] * c[k] + a[k] * s[k];
        a[k] = x;
    }
}

// In place on the first `rotated` heads (queries, then keys) of each row of qkv[T, rowWidth]; sign -1 turns back (gradients).
template <int W>
LH_INLINE void ropeBody(elem *qkv, const float *cos, const float *sin, float sign, int tokens, int sequence, int rotated,
        int headDim, i64 rowWidth, int groups) {
    int half = headDim / 2, chunks = half / W;
    u32 thread = fromTheEnd() * blockDim.x + threadIdx.x;
    u32 chunk = thread % chunks, rest = thread / chunks;
    u32 group = rest % groups, t = rest / groups;
    if (t >= tokens) return;
    float c[W], s[W];
    angles<W>(cos, sin, (i64)(t % sequence) * half + chunk * W, sign, c, s);
    elem *row = qkv + (i64)t * rowWidth + chunk * W;
#pragma unroll 4
    for (int head = group; head < rotated; head += groups) {
        elem *p = row + (i64)head * headDim;
        float a[W], b[W];
        get<W>(p, half, a, b);
        rotate<W>(a, b, c, s);
        set<W>(p, half, a, b);
    }
}
extern "C" __global__ void rope_8(elem *qkv, const float *cos, const float *sin, float sign, int tokens, int sequence, int rotated,
        int headDim, i64 rowWidth, int groups) {
    ropeBody<8>(qkv, cos, sin, sign, tokens, sequence, rotated, headDim, rowWidth, groups);
}
extern "C" __global__ void rope_1(elem *qkv, const float *cos, const float *sin, float sign, int tokens, int sequence, int rotated,
        int headDim, i64 rowWidth, int groups) {
    ropeBody<1>(qkv, cos, sin, sign, tokens, sequence, rotated, headDim, rowWidth, groups);
}

// Where a gradient of one kind of head lies: strides in elements of sequence, position and head; a head's elements are contiguous.
struct Strides {
    i64 sequence, position, head;
};

// Gradients from an attention backend into dqkv[T, rowWidth] with the rotation undone on queries and keys. Where dk and dv come
// with one slice per query head, `expand` = heads / kvHeads slices are added, in order.
template <int W>
LH_INLINE void packBody(elem *dqkv, const elem *dq, const elem *dk, const elem *dv, Strides sq, Strides sk, Strides sv,
        const float *cos, const float *sin, int tokens, int sequence, int heads, int kvHeads, int headDim, int expand, int groups) {
    int half = headDim / 2, chunks = half / W, all = heads + 2 * kvHeads;
    u32 thread = blockIdx.x * blockDim.x + threadIdx.x;
    u32 chunk = thread % chunks, rest = thread / chunks;
    u32 group = rest % groups, t = rest / groups;
    if (t >= tokens) return;
    u32 b = t / sequence, position = t - b * sequence;
    float c[W], s[W];
    angles<W>(cos, sin, (i64)position * half + chunk * W, -1.f, c, s);
    elem *row = dqkv + (i64)t * all * headDim + chunk * W;
#pragma unroll 2
    for (int head = group; head < all; head += groups) {
        bool query = head < heads, value = head >= heads + kvHeads;
        int own = query ? head : (value ? head - heads - kvHeads : head - heads) * expand;
        Strides at = query ? sq : value ? sv : sk;
        const elem *from = (query ? dq : value ? dv : dk) + b * at.sequence + position * at.position + own * at.head + chunk * W;
        float x[W], y[W];
        get<W>(from, half, x, y);
        for (int j = 1; j < expand && !query; j++) {
            float p[W], q[W];
            get<W>(from + j * at.head, half, p, q);
#pragma unroll
            for (int k = 0; k < W; k++) {
                x[k] += p[k];
                y[k] += q[k];
            }
        }
        if (!value) rotate<W>(x, y, c, s);
        set<W>(row + (i64)head * headDim, half, x, y);
    }
}
#define LH_PACK(W)                                                                                                                 \
    extern "C" __global__ void rope_backward_pack_##W(elem *dqkv, const elem *dq, const elem *dk, const elem *dv, i64 qb, i64 qs,   \
            i64 qh, i64 kb, i64 ks, i64 kh, i64 vb, i64 vs, i64 vh, const float *cos, const float *sin, int tokens, int sequence,   \
            int heads, int kvHeads, int headDim, int expand, int groups) {                                                         \
        packBody<W>(dqkv, dq, dk, dv, Strides{qb, qs, qh}, Strides{kb, ks, kh}, Strides{vb, vs, vh}, cos, sin, tokens, sequence,   \
                heads, kvHeads, headDim, expand, groups);                                                                          \
    }
LH_PACK(8)
LH_PACK(1)
