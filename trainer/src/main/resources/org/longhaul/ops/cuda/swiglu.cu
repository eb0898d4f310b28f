// h = silu(gate) * up; gateUp[T, 2F] holds gate, then up, in each row (Shazeer 2020).
// One thread, one chunk of a row: eight elements when `width` is 8 (F a multiple of 8, aligned bases), one when it is 1.

extern "C" __global__ void swiglu(elem *h, const elem *gateUp, u32 chunksPerRow, u32 chunks, int width) {
    u32 c = fromTheEnd() * blockDim.x + threadIdx.x;
    if (c >= chunks) return;
    u32 t = c / chunksPerRow, column = (c - t * chunksPerRow) * width;
    i64 f = (i64)chunksPerRow * width;
    const elem *g = gateUp + (i64)t * 2 * f + column;
    elem *out = h + (i64)t * f + column;
    if (width == 8) {
        float a[8], b[8];
        Raw8 rg = load8(g), ru = load8(g + f);
        unpack(rg, a);
        unpack(ru, b);
#pragma unroll
        for (int k = 0; k < 8; k++) a[k] = a[k] * sigmoid(a[k]) * b[k];
        put8(out, a);
    } else {
        float a = toFloat(*g);
        put(out, a * sigmoid(a) * toFloat(g[f]));
    }
}

LH_INLINE void swigluGradient(float g, float u, float dh, float &dg, float &du, float &h) {
    float s = sigmoid(g), silu = g * s;
    h = silu * u;
    du = dh * silu;
    dg = dh * u * (s + silu * (1.f - s));
}

// dGateUp may be gateUp; h (may be null) gets the forward's output again.
extern "C" __global__ void swiglu_backward(
        elem *dGateUp, elem *h, const elem *dh, const elem *gateUp, u32 chunksPerRow, u32 chunks, int width) {
    u32 c = fromTheEnd() * blockDim.x + threadIdx.x;
    if (c >= chunks) return;
    u32 t = c / chunksPerRow, column = (c - t * chunksPerRow) * width;
    i64 f = (i64)chunksPerRow * width;
    i64 at = (i64)t * 2 * f + column, atH = (i64)t * f + column;
    if (width == 8) {
        Raw8 rg = load8(gateUp + at), ru = load8(gateUp + at + f), rd = load8(dh + atH);
        float g[8], u[8], d[8], o[8];
        unpack(rg, g);
        unpack(ru, u);
        unpack(rd, d);
#pragma unroll
        for (int k = 0; k < 8; k++) swigluGradient(g[k], u[k], d[k], g[k], u[k], o[k]);
        put8(dGateUp + at, g);
        put8(dGateUp + at + f, u);
        if (h) put8(h + atH, o);
    } else {
        float g = toFloat(gateUp[at]), u = toFloat(gateUp[at + f]), o, dg, du;
        swigluGradient(g, u, toFloat(dh[atH]), dg, du, o);
        put(dGateUp + at, dg);
        put(dGateUp + at + f, du);
        if (h) put(h + atH, o);
    }
}
