// Another cross_entropy_stream, behind loss.cu, until a GPU has decided (KernelCheck variants). There a row's last loads are waited for
// before the next row's first ones leave, and a row's target is fetched before its logits. Here the next U vectors of each thread are
// always on their way, over the ends of rows too, and targets are known two rows ahead.

// Vectors first, first + blockDim.x, … of a row whose first vector is `from` and which has `readable`.
template <int U, bool ONCE>
LH_INLINE void fetch(Raw8 *r, const elem *from, int first, int readable) {
#pragma unroll
    for (int u = 0; u < U; u++) {
        int v = first + u * blockDim.x;
        if (v < readable) r[u] = ONCE ? load8Once(from + v * 8) : load8(from + v * 8);
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

LH_INLINE void gradient8(elem *to, const Raw8 &logits, float offset, float factor) {
    float f[8];
    unpack(logits, f);
#pragma unroll
    for (int k = 0; k < 8; k++) f[k] = fastExp2(f[k] * LH_LOG2E - offset) * factor;
    put8(to, f);
}

template <int U, bool ONCE>
LH_INLINE void aheadBody(float *loss, elem *logits, const int *targets, const float *scale, float z, int ignore, float *squares,
        int width, int rows, int vector, Raw8 *cache) {
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
    fetch<U, ONCE>(r, next.vectorAt(0), threadIdx.x, nextLive ? next.vectors : 0);
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
            fetch<U, ONCE>(more, last ? far : near, last ? threadIdx.x : first + U * step, last ? farReadable : readable);
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

#define LH_CROSS_ENTROPY_AHEAD(U)                                                                                                  \
    extern "C" __global__ void __launch_bounds__(800)                                                                              \
            cross_entropy_ahead_##U(float *loss, elem *logits, const int *targets, const float *scale, float z, int ignore,        \
                    float *squares, int width, int rows, int vector) {                                                             \
        LH_DYNAMIC_SHARED(shared);                                                                                                 \
        aheadBody<U, false>(loss, logits, targets, scale, z, ignore, squares, width, rows, vector, (Raw8 *)shared);                \
    }                                                                                                                              \
    extern "C" __global__ void __launch_bounds__(800)                                                                              \
            cross_entropy_once_##U(float *loss, elem *logits, const int *targets, const float *scale, float z, int ignore,         \
                    float *squares, int width, int rows, int vector) {                                                             \
        LH_DYNAMIC_SHARED(shared);                                                                                                 \
        aheadBody<U, true>(loss, logits, targets, scale, z, ignore, squares, width, rows, vector, (Raw8 *)shared);                 \
    }
LH_CROSS_ENTROPY_AHEAD(2)
LH_CROSS_ENTROPY_AHEAD(4)
