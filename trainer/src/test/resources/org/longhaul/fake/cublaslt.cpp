// Matrix products as cuBLASLt does them: column-major, any transposition, bf16, fp8 and float, sums in float.
#include "machine.h"
#include <cmath>
#include <set>

using namespace fake;

namespace {
struct Desc {
    int transA = 0, transB = 0, modeA = 0, modeB = 0;
    long scaleA = 0, scaleB = 0;
};
struct Layout {
    int type;
    long rows, columns, leading;
};
struct Preference {
    long workspace = 0;
    int alignment[4] = {256, 256, 256, 256};
};
// The first 12 bytes of an algorithm; the rest is the library's own.
struct Algorithm {
    int magic, number, alignment;
};
const int MAGIC = 0x4c484c54, PROPOSALS = 3, SPLIT = 1, UNSUPPORTED = 15, INVALID = 7;
const long SPLIT_WORKSPACE = 4096;

int width(int type) { return type == 0 ? 4 : type == 14 ? 2 : 1; }
float fromFp8(uint8_t b, bool e4) {
    int sign = b >> 7, exponent = e4 ? (b >> 3) & 15 : (b >> 2) & 31, mantissa = e4 ? b & 7 : b & 3, bits = e4 ? 3 : 2, bias = e4 ? 7 : 15;
    if (e4 ? (b & 0x7f) == 0x7f : exponent == 31 && mantissa) return NAN;
    if (!e4 && exponent == 31) return sign ? -INFINITY : INFINITY;
    float v = exponent ? std::ldexp(1.f + mantissa / (float)(1 << bits), exponent - bias) : std::ldexp(mantissa / (float)(1 << bits), 1 - bias);
    return sign ? -v : v;
}
float load(const char *p, int type) {
    switch (type) {
        case 0: return *(const float *)p;
        case 14: return fromBf16(*(const uint16_t *)p);
        default: return fromFp8(*(const uint8_t *)p, type == 28);
    }
}
// op(matrix) as rows × depth floats, whichever way it lies.
std::vector<float> unpack(long address, const Layout &l, bool depthInRows) {
    std::vector<float> v(l.rows * l.columns);
    int w = width(l.type);
    for (long c = 0; c < l.columns; c++) {
        for (long r = 0; r < l.rows; r++) {
            float x = load((const char *)address + (c * l.leading + r) * w, l.type);
            v[depthInRows ? c * l.rows + r : r * l.columns + c] = x;
        }
    }
    return v;
}
}  // namespace

EXPORT long cublasLtGetVersion() { return 130100; }
EXPORT const char *cublasLtGetStatusString(int status) { return status == UNSUPPORTED ? "CUBLAS_STATUS_NOT_SUPPORTED" : "CUBLAS_STATUS"; }
EXPORT int cublasLtCreate(long *handle) {
    Locked l(lock);
    if (ready()) return 1;
    *handle = 0xb1a5;
    return 0;
}
EXPORT int cublasLtDestroy(long) { return 0; }
EXPORT int cublasLtMatmulDescCreate(Desc **out, int compute, int scale) {
    *out = new Desc();
    return compute == 68 && scale == 0 ? 0 : UNSUPPORTED;
}
EXPORT int cublasLtMatmulDescSetAttribute(Desc *d, int attribute, const void *value, long bytes) {
    int number = bytes >= 4 ? *(const int *)value : *(const char *)value;
    switch (attribute) {
        case 3: d->transA = number; return bytes == 4 ? 0 : INVALID;
        case 4: d->transB = number; return bytes == 4 ? 0 : INVALID;
        case 15: return bytes == 4 ? 0 : INVALID;
        case 17: d->scaleA = *(const long *)value; return bytes == 8 ? 0 : INVALID;
        case 18: d->scaleB = *(const long *)value; return bytes == 8 ? 0 : INVALID;
        case 25: return bytes == 1 ? 0 : INVALID;
        case 31: d->modeA = number; return bytes == 4 ? 0 : INVALID;
        case 32: d->modeB = number; return bytes == 4 ? 0 : INVALID;
        default: return INVALID;
    }
}
EXPORT int cublasLtMatmulDescDestroy(Desc *d) {
    delete d;
    return 0;
}
EXPORT int cublasLtMatrixLayoutCreate(Layout **out, int type, long rows, long columns, long leading) {
    *out = new Layout{type, rows, columns, leading};
    return rows > 0 && columns > 0 && leading >= rows ? 0 : INVALID;
}
EXPORT int cublasLtMatrixLayoutDestroy(Layout *l) {
    delete l;
    return 0;
}
EXPORT int cublasLtMatmulPreferenceCreate(Preference **out) {
    *out = new Preference();
    return 0;
}
EXPORT int cublasLtMatmulPreferenceSetAttribute(Preference *p, int attribute, const void *value, long bytes) {
    if (attribute == 1) {
        p->workspace = *(const long *)value;
        return bytes == 8 ? 0 : INVALID;
    }
    if (attribute >= 5 && attribute <= 8) p->alignment[attribute - 5] = *(const int *)value;
    return bytes == 4 ? 0 : INVALID;
}
EXPORT int cublasLtMatmulPreferenceDestroy(Preference *p) {
    delete p;
    return 0;
}
static int valid(const Desc *d, const Layout *a, const Layout *b, const Layout *c) {
    long m = d->transA ? a->columns : a->rows, k = d->transA ? a->rows : a->columns;
    long kb = d->transB ? b->columns : b->rows, n = d->transB ? b->rows : b->columns;
    bool fp8 = a->type > 14;
    if (fp8 && (!d->transA || d->transB || k % 16 || m % 16)) return UNSUPPORTED;
    return c->rows == m && c->columns == n && k == kb && (c->type == 0 || c->type == 14) ? 0 : INVALID;
}
EXPORT int cublasLtMatmulAlgoGetHeuristic(
    long, Desc *d, Layout *a, Layout *b, Layout *c, Layout *, Preference *p, int requested, char *results, int *count) {
    if (int status = valid(d, a, b, c)) return status;
    *count = 0;
    for (int i = 0; i < PROPOSALS && i < requested; i++) {
        if (i == SPLIT && p->workspace < SPLIT_WORKSPACE) continue;
        char *r = results + 96 * (*count)++;
        memset(r, 0, 96);
        int least = std::min(std::min(p->alignment[0], p->alignment[1]), p->alignment[2]);
        Algorithm algorithm{MAGIC, i, least};
        memcpy(r, &algorithm, sizeof algorithm);
        *(long *)(r + 64) = i == SPLIT ? SPLIT_WORKSPACE : 0;
    }
    return 0;
}
EXPORT int cublasLtMatmulAlgoCheck(long, Desc *d, Layout *a, Layout *b, Layout *c, Layout *, const Algorithm *algorithm, char *result) {
    if (int status = valid(d, a, b, c)) return status;
    if (algorithm->magic != MAGIC) return UNSUPPORTED;
    *(long *)(result + 64) = algorithm->number == SPLIT ? SPLIT_WORKSPACE : 0;
    return 0;
}
EXPORT int cublasLtMatmul(
    long, Desc *desc, const float *alpha, long a, Layout *la, long b, Layout *lb, const float *beta, long c, Layout *lc, long d, Layout *ld,
    const Algorithm *algorithm, long workspace, long workspaceBytes, long stream) {
    Locked l(lock);
    if (ready()) return 14;
    if (int status = valid(desc, la, lb, lc)) return status;
    if (algorithm->magic != MAGIC || c != d || lc != ld) return UNSUPPORTED;
    // A proposal that the library itself then cannot run, as happens.
    if (algorithm->number == 2 && (lc->columns & 1)) return UNSUPPORTED;
    int aligned = algorithm->alignment;
    if ((a | b | c) % aligned) return UNSUPPORTED;
    bool split = algorithm->number == SPLIT;
    if (split && workspaceBytes < SPLIT_WORKSPACE) return INVALID;
    Desc now = *desc;
    Layout A = *la, B = *lb, C = *lc;
    float al = *alpha, be = *beta;
    return submit(stream, "matrix product", [=] {
        long m = C.rows, n = C.columns, k = now.transA ? A.rows : A.columns;
        needDevice(a, ((A.columns - 1) * A.leading + A.rows) * width(A.type), "first operand of a product");
        needDevice(b, ((B.columns - 1) * B.leading + B.rows) * width(B.type), "second operand of a product");
        needDevice(c, ((C.columns - 1) * C.leading + C.rows) * width(C.type), "result of a product");
        if (split) {
            needDevice(workspace, SPLIT_WORKSPACE, "workspace of a product");
            memset((void *)workspace, 0xff, SPLIT_WORKSPACE);
        }
        std::vector<float> x = unpack(a, A, now.transA), y = unpack(b, B, !now.transB), sum(m);
        for (long j = 0; j < n; j++) {
            for (long i = 0; i < m; i++) {
                const float *p = &x[i * k], *q = &y[j * k];
                float s[8] = {};
                long t = 0;
                for (; t + 8 <= k; t += 8) {
                    for (int u = 0; u < 8; u++) s[u] += p[t + u] * q[t + u];
                }
                for (; t < k; t++) s[0] += p[t] * q[t];
                float total = ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
                if (now.scaleA) total *= *(float *)(now.scaleA + (now.modeA == 3 ? 4 * i : 0)) * *(float *)(now.scaleB + (now.modeB == 3 ? 4 * j : 0));
                char *to = (char *)c + (j * C.leading + i) * width(C.type);
                // With beta 0 the library does not read what was there, not even NaN.
                float v = al * total + (be == 0 ? 0 : be * load(to, C.type));
                if (C.type == 0) *(float *)to = v;
                else *(uint16_t *)to = toBf16(v);
            }
        }
    }) ? 14 : 0;
}
