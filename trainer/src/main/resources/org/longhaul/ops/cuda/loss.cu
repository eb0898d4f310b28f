// Softmax cross-entropy over rows of logits, one block per row. First pass: online maximum and sum of exponentials while the row is
// copied to shared memory (as many of its vectors as fit: `cached`); second pass: the gradient, from that copy, over the logits.
// Odd widths: a row is a scalar head up to the first 16-byte boundary, vectors of eight, and a scalar tail.

struct Row {
    elem *p;
    int head, vectors, scalars;
    LH_INLINE_MEMBER Row(elem *row, int width, int vector) {
        p = row;
        int unaligned = vector ? (int)((16 - ((u64)row & 15)) & 15) / (int)sizeof(elem) : width;
        head = unaligned < width ? unaligned : width;
        vectors = (width - head) >> 3;
        scalars = width - vectors * 8;
    }
    LH_INLINE_MEMBER elem *vectorAt(int v) const { return p + head + v * 8; }
    LH_INLINE_MEMBER int scalarAt(int j) const { return j < head ? j : j + vectors * 8; }
};

// Maximum and sum of exp(x - maximum) of the values seen so far.
struct Online {
    float m, s;
};

LH_INLINE void see(Online &o, float x) {
    if (x > o.m) {
        o.s *= fastExp2((o.m - x) * LH_LOG2E);
        o.m = x;
    }
    o.s += o.m == LH_NEGATIVE_INFINITY && x == o.m ? 0.f : fastExp2((x - o.m) * LH_LOG2E);
}

LH_INLINE void see8(Online &o, const float f[8]) {
    float m = fmaxf(fmaxf(fmaxf(f[0], f[1]), fmaxf(f[2], f[3])), fmaxf(fmaxf(f[4], f[5]), fmaxf(f[6], f[7])));
    if (m > o.m) {
        o.s *= fastExp2((o.m - m) * LH_LOG2E);
        o.m = m;
    }
    if (o.m == LH_NEGATIVE_INFINITY) {
        for (int k = 0; k < 8; k++) o.s += f[k] == o.m ? 0.f : f[k];  // only NaN arrives here besides
        return;
    }
    float offset = o.m * LH_LOG2E, s = 0.f;
#pragma unroll
    for (int k = 0; k < 8; k++) s += fastExp2(f[k] * LH_LOG2E - offset);
    o.s += s;
}

// The row's maximum and sum, the same in all threads. `scratch` has 64 floats.
LH_INLINE Online combine(Online o, float *scratch) {
    int warp = threadIdx.x >> 5, lane = threadIdx.x & 31, warps = blockDim.x >> 5;
    float m = warpMax(o.m);
    float s = warpSum(o.m == LH_NEGATIVE_INFINITY ? o.s : o.s * fastExp2((o.m - m) * LH_LOG2E));
    __syncthreads();
    if (lane == 0) {
        scratch[warp] = m;
        scratch[32 + warp] = s;
    }
    __syncthreads();
    float wm = lane < warps ? scratch[lane] : LH_NEGATIVE_INFINITY, ws = lane < warps ? scratch[32 + lane] : 0.f;
    Online all;
    all.m = warpMax(wm);
    all.s = warpSum(wm == LH_NEGATIVE_INFINITY ? ws : ws * fastExp2((wm - all.m) * LH_LOG2E));
    return all;
}

LH_INLINE Online readRow(const Row &row, Raw8 *cache, int cached, float *scratch) {
    Online o = {LH_NEGATIVE_INFINITY, 0.f};
    const int step = blockDim.x;
    for (int v0 = threadIdx.x; v0 < row.vectors; v0 += 4 * step) {
        Raw8 r[4];
#pragma unroll
        for (int u = 0; u < 4; u++) {
            int v = v0 + u * step;
            if (v < row.vectors) r[u] = load8(row.vectorAt(v));
        }
#pragma unroll
        for (int u = 0; u < 4; u++) {
            int v = v0 + u * step;
            if (v < row.vectors) {
                if (v < cached) cache[v] = r[u];
                float f[8];
                unpack(r[u], f);
                see8(o, f);
            }
        }
    }
    for (int j = threadIdx.x; j < row.scalars; j += step) see(o, toFloat(row.p[row.scalarAt(j)]));
    return combine(o, scratch);
}

LH_INLINE void gradient8(elem *to, const Raw8 &logits, float offset, float factor) {
    float f[8];
    unpack(logits, f);
#pragma unroll
    for (int k = 0; k < 8; k++) f[k] = fastExp2(f[k] * LH_LOG2E - offset) * factor;
    put8(to, f);
}

// Logits become (softmax * factor); every thread uses only what it cached itself, so no barrier is needed before.
LH_INLINE void writeRow(const Row &row, const Raw8 *cache, int cached, float lse, float factor) {
    const int step = blockDim.x;
    const float offset = lse * LH_LOG2E;
    for (int v0 = threadIdx.x; v0 < row.vectors; v0 += 4 * step) {
        Raw8 r[4];
#pragma unroll
        for (int u = 0; u < 4; u++) {
            int v = v0 + u * step;
            if (v < row.vectors) r[u] = v < cached ? cache[v] : load8(row.vectorAt(v));
        }
#pragma unroll
        for (int u = 0; u < 4; u++) {
            int v = v0 + u * step;
            if (v < row.vectors) gradient8(row.vectorAt(v), r[u], offset, factor);
        }
    }
    for (int j = threadIdx.x; j < row.scalars; j += step) {
        elem *p = row.p + row.scalarAt(j);
        put(p, fastExp2(toFloat(*p) * LH_LOG2E - offset) * factor);
    }
}

LH_INLINE void zeroRow(const Row &row) {
    float zero[8] = {0.f, 0.f, 0.f, 0.f, 0.f, 0.f, 0.f, 0.f};
    for (int v = threadIdx.x; v < row.vectors; v += blockDim.x) put8(row.vectorAt(v), zero);
    for (int j = threadIdx.x; j < row.scalars; j += blockDim.x) put(row.p + row.scalarAt(j), 0.f);
}

// The gradient row: scale * (softmax * (1 + 2 z lse) - onehot). target < 0: not in these columns.
LH_INLINE void gradientRow(const Row &row, const Raw8 *cache, int cached, float lse, float z, float scale, int target, float logit) {
    float zFactor = 1.f + 2.f * z * lse;
    writeRow(row, cache, cached, lse, scale * zFactor);
    __syncthreads();
    if (threadIdx.x == 0 && target >= 0) put(row.p + target, scale * (fastExp2((logit - lse) * LH_LOG2E) * zFactor - 1.f));
}

// In place; squares[row] (may be null) gets lse^2. `cached` vectors of the row fit the dynamic shared memory.
extern "C" __global__ void __launch_bounds__(1024) cross_entropy(float *loss, elem *logits, const int *targets, const float *scale,
        float z, int ignore, float *squares, int width, int cached, int vector) {
    LH_DYNAMIC_SHARED(shared);
    __shared__ float scratch[64];
    Row row(logits + (i64)blockIdx.x * width, width, vector);
    int target = targets[blockIdx.x];
    if (target == ignore) {
        zeroRow(row);
        if (threadIdx.x == 0) {
            loss[blockIdx.x] = 0.f;
            if (squares) squares[blockIdx.x] = 0.f;
        }
        return;
    }
    float logit = toFloat(row.p[target]);
    Online all = readRow(row, (Raw8 *)shared, cached, scratch);
    float lse = all.m + logf(all.s);
    if (threadIdx.x == 0) {
        loss[blockIdx.x] = lse - logit;
        if (squares) squares[blockIdx.x] = lse * lse;
    }
    gradientRow(row, (Raw8 *)shared, cached, lse, z, *scale, target, logit);
}

// Vectors first, first + blockDim.x, … of a row whose first vector is `from` and which has `readable`.
template <int U>
LH_INLINE void fetch(Raw8 *r, const elem *from, int first, int readable) {
#pragma unroll
    for (int u = 0; u < U; u++) {
        int v = first + u * blockDim.x;
        if (v < readable) r[u] = load8(from + v * 8);
    }
}

// As see8 of U vectors, with one look at the maximum.
template <int U>
LH_INLINE void seeGroup(Online &o, const Raw8 *r) {
    float f[U][8], m = LH_NEGATIVE_INFINITY;
#pragma unroll
    for (int u = 0; u < U; u++) {
        unpack(r[u], f[u]);
        m = fmaxf(m, fmaxf(fmaxf(fmaxf(f[u][0], f[u][1]), fmaxf(f[u][2], f[u][3])), fmaxf(fmaxf(f[u][4], f[u][5]), fmaxf(f[u][6], f[u][7]))));
    }
    if (m > o.m) {
        o.s *= fastExp2((o.m - m) * LH_LOG2E);
        o.m = m;
    }
    if (o.m == LH_NEGATIVE_INFINITY) {
        for (int u = 0; u < U; u++) see8(o, f[u]);
        return;
    }
    float offset = o.m * LH_LOG2E, s = 0.f;
#pragma unroll
    for (int u = 0; u < U; u++) {
#pragma unroll
        for (int k = 0; k < 8; k++) s += fastExp2(f[u][k] * LH_LOG2E - offset);
    }
    o.s += s;
}

// As cross_entropy where a whole row fits the shared memory: blocks stay and walk rows, and while one row's gradient is written from
// shared memory the next row takes its place, vector by vector (each thread touches only its own). The next U vectors of each thread are
// always on their way, over the ends of rows too, and targets are known two rows ahead. More threads leave too few registers.
extern "C" __global__ void __launch_bounds__(800) cross_entropy_stream(float *loss, elem *logits, const int *targets, const float *scale,
        float z, int ignore, float *squares, int width, int rows, int vector) {
    LH_DYNAMIC_SHARED(shared);
    constexpr int U = 2;
    Raw8 *cache = (Raw8 *)shared;
    __shared__ float scratch[64];
    const int step = blockDim.x, stride = gridDim.x, groups = ((width >> 3) + U * step - 1) / (U * step);
    const float s = *scale;
    int at = blockIdx.x;
    i64 ahead = (i64)at + stride;
    int target = targets[at], nextTarget = ahead < rows ? targets[ahead] : ignore;
    int afterTarget = ahead + stride < rows ? targets[ahead + stride] : ignore;
    bool live = target != ignore, nextLive = nextTarget != ignore;
    Row row(logits + (i64)at * width, width, vector), next(logits + (nextLive ? ahead : (i64)at) * width, width, vector);
    float logit = 0.f;
    Online all = {0.f, 1.f};
    if (live) {
        logit = toFloat(row.p[target]);
        all = readRow(row, cache, row.vectors, scratch);
    }
    Raw8 r[U];
    fetch<U>(r, next.vectorAt(0), threadIdx.x, nextLive ? next.vectors : 0);
    for (;;) {
        const float lse = all.m + logf(all.s), zFactor = 1.f + 2.f * z * lse, factor = s * zFactor, offset = lse * LH_LOG2E;
        const float nextLogit = nextLive ? toFloat(next.p[nextTarget]) : 0.f;
        const i64 after = ahead + stride;
        const bool afterLive = afterTarget != ignore;
        const int farTarget = after + stride < rows ? targets[after + stride] : ignore;
        const Row third(logits + (afterLive ? after : (i64)at) * width, width, vector);
        const int readable = nextLive ? next.vectors : 0, farReadable = afterLive ? third.vectors : 0;
        const elem *near = next.vectorAt(0), *far = third.vectorAt(0);
        elem *here = row.vectorAt(0);
        Online o = {LH_NEGATIVE_INFINITY, 0.f};
        for (int g = 0; g < groups; g++) {
            const int first = threadIdx.x + g * U * step;
            const bool last = g + 1 == groups;
            Raw8 more[U];
            fetch<U>(more, last ? far : near, last ? threadIdx.x : first + U * step, last ? farReadable : readable);
            const int end = first + (U - 1) * step;
            if (live && end < row.vectors) {
#pragma unroll
                for (int u = 0; u < U; u++) gradient8(here + (first + u * step) * 8, cache[first + u * step], offset, factor);
            } else {
                for (int v = first; v <= end && v < row.vectors; v += step) {
                    if (live) {
                        gradient8(here + v * 8, cache[v], offset, factor);
                    } else {
                        const float zero[8] = {0.f, 0.f, 0.f, 0.f, 0.f, 0.f, 0.f, 0.f};
                        put8(here + v * 8, zero);
                    }
                }
            }
            if (end < readable) {
#pragma unroll
                for (int u = 0; u < U; u++) cache[first + u * step] = r[u];
                seeGroup<U>(o, r);
            } else {
#pragma unroll
                for (int u = 0; u < U; u++) {
                    if (first + u * step < readable) {
                        float f[8];
                        cache[first + u * step] = r[u];
                        unpack(r[u], f);
                        see8(o, f);
                    }
                }
            }
#pragma unroll
            for (int u = 0; u < U; u++) r[u] = more[u];
        }
        for (int j = threadIdx.x; j < row.scalars; j += step) {
            elem *p = row.p + row.scalarAt(j);
            put(p, live ? fastExp2(toFloat(*p) * LH_LOG2E - offset) * factor : 0.f);
        }
        if (nextLive) {
            for (int j = threadIdx.x; j < next.scalars; j += step) see(o, toFloat(next.p[next.scalarAt(j)]));
        }
        // The barriers inside order the row's stores before the target's own.
        all = combine(o, scratch);
        if (threadIdx.x == 0) {
            if (live) put(row.p + target, s * (fastExp2((logit - lse) * LH_LOG2E) * zFactor - 1.f));
            loss[at] = live ? lse - logit : 0.f;
            if (squares) squares[at] = live ? lse * lse : 0.f;
        }
        if (ahead >= rows) return;
        at = (int)ahead;
        ahead = after;
        live = nextLive;
        target = nextTarget;
        logit = nextLogit;
        row = live ? next : Row(logits + (i64)at * width, width, vector);
        nextLive = afterLive;
        nextTarget = afterTarget;
        next = third;
        afterTarget = farTarget;
    }
}

extern "C" __global__ void __launch_bounds__(1024)
        cross_entropy_loss(float *loss, elem *logits, const int *targets, int ignore, int width, int vector) {
    __shared__ float scratch[64];
    int target = targets[blockIdx.x];
    if (target == ignore) {
        if (threadIdx.x == 0) loss[blockIdx.x] = 0.f;
        return;
    }
    Row row(logits + (i64)blockIdx.x * width, width, vector);
    Online all = readRow(row, nullptr, 0, scratch);
    if (threadIdx.x == 0) loss[blockIdx.x] = all.m + logf(all.s) - toFloat(row.p[target]);
}

// Vocabulary-parallel, first half: statistics of this rank's columns.
extern "C" __global__ void __launch_bounds__(1024) cross_entropy_statistics(float *max, float *sum, float *targetLogit, elem *logits,
        const int *targets, i64 firstColumn, int ignore, int width, int vector) {
    __shared__ float scratch[64];
    Row row(logits + (i64)blockIdx.x * width, width, vector);
    Online all = readRow(row, nullptr, 0, scratch);
    if (threadIdx.x == 0) {
        int id = targets[blockIdx.x];
        i64 column = id - firstColumn;
        max[blockIdx.x] = all.m;
        sum[blockIdx.x] = all.s;
        targetLogit[blockIdx.x] = id != ignore && column >= 0 && column < width ? toFloat(row.p[column]) : 0.f;
    }
}

// Second half, from the statistics of all ranks.
extern "C" __global__ void __launch_bounds__(1024) cross_entropy_gradient(float *loss, elem *logits, const float *max, const float *sum,
        const float *targetLogit, const int *targets, i64 firstColumn, const float *scale, float z, int ignore, float *squares,
        int width, int vector) {
    Row row(logits + (i64)blockIdx.x * width, width, vector);
    int id = targets[blockIdx.x];
    if (id == ignore) {
        zeroRow(row);
        if (threadIdx.x == 0) {
            loss[blockIdx.x] = 0.f;
            if (squares) squares[blockIdx.x] = 0.f;
        }
        return;
    }
    float lse = max[blockIdx.x] + logf(sum[blockIdx.x]), logit = targetLogit[blockIdx.x];
    i64 column = id - firstColumn;
    if (threadIdx.x == 0) {
        loss[blockIdx.x] = lse - logit;
        if (squares) squares[blockIdx.x] = lse * lse;
    }
    gradientRow(row, nullptr, 0, lse, z, *scale, column >= 0 && column < width ? (int)column : -1, logit);
}

// sum[c] *= exp(local[c] - global[c])
extern "C" __global__ void rescale_sums(float *sum, const float *local, const float *global, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) sum[i] *= local[i] == global[i] ? 1.f : fastExp2((local[i] - global[i]) * LH_LOG2E);
}
