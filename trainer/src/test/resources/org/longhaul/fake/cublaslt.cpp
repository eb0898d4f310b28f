// Matrix products as cuBLASLt does them: column-major, any transposition, bf16, fp8 and float, sums in float. What its manual, its
// header and its maintainers' answers forbid is refused here, most of it only by the product itself, as there:
//   scales, A, B, C and D of 8-bit products at multiples of 16 bytes (scales since 12.9), the workspace at multiples of 256;
//   8-bit products as A transposed times B, sides in multiples of 16, not both e5m2, into bf16 or float;
//   scales of 8-bit operands only, vectors of them for both or for neither, none in host memory.
//   LH_FAKE_FP8=none         no 8-bit product runs
//   LH_FAKE_GEMM=wrong       all algorithms but one give wrong values, fast
// Errors go to CUBLASLT_LOG_FILE, or the file of cublasLtLoggerOpenFile, at log level 1 and above.
#include "machine.h"
#include <algorithm>
#include <cmath>
#include <unistd.h>

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
// The first bytes of an algorithm; the rest is the library's own.
struct Algorithm {
    int magic, number, alignment, tile, stages, swizzle, custom, cluster, splits, scheme;
};
const int MAGIC = 0x4c484c54, PROPOSALS = 6, SPLIT = 1, UNSUPPORTED = 15, INVALID = 7;
const int F32 = 0, BF16 = 14, E4M3 = 28, E5M2 = 29, TENSOR = 0, OUTER = 3;
const long SPLIT_WORKSPACE = 4096;

FILE *logFile;
int logLevel = -1;
int refuse(int status, const char *call, const std::string &why) {
    if (logLevel < 0) logLevel = atoi(setting("CUBLASLT_LOG_LEVEL", "0").c_str());
    if (logLevel < 1) return status;
    std::string name = setting("CUBLASLT_LOG_FILE", "");
    if (!logFile && !name.empty()) logFile = fopen(name.c_str(), "a");
    FILE *to = logFile ? logFile : stdout;
    fprintf(to, "[cublasLt][%d][Error][%s] %s\n", (int)getpid(), call, why.c_str());
    fflush(to);
    return status;
}
bool eight(int type) { return type == E4M3 || type == E5M2; }
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
EXPORT const char *cublasLtGetStatusString(int status) {
    switch (status) {
        case 0: return "CUBLAS_STATUS_SUCCESS";
        case INVALID: return "CUBLAS_STATUS_INVALID_VALUE";
        case 14: return "CUBLAS_STATUS_INTERNAL_ERROR";
        case UNSUPPORTED: return "CUBLAS_STATUS_NOT_SUPPORTED";
        default: return "CUBLAS_STATUS";
    }
}
EXPORT int cublasLtLoggerSetLevel(int level) {
    Locked l(lock);
    logLevel = level;
    return level >= 0 && level <= 5 ? 0 : INVALID;
}
EXPORT int cublasLtLoggerOpenFile(const char *name) {
    Locked l(lock);
    if (logFile) fclose(logFile);
    logFile = fopen(name, "a");
    return logFile ? 0 : INVALID;
}
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
static int valid(const char *call, const Desc *d, const Layout *a, const Layout *b, const Layout *c, const Layout *r) {
    long m = d->transA ? a->columns : a->rows, k = d->transA ? a->rows : a->columns;
    long kb = d->transB ? b->columns : b->rows, n = d->transB ? b->rows : b->columns;
    if (c->rows != m || c->columns != n || r->rows != m || r->columns != n || k != kb) return refuse(INVALID, call, "sides do not fit");
    if (c->type != r->type) return refuse(UNSUPPORTED, call, "Unsupported combination of precisions: C and D differ");
    if (!eight(a->type) && !eight(b->type)) {
        if (d->scaleA || d->scaleB || d->modeA || d->modeB) return refuse(INVALID, call, "A custom pointer for A scale is not supported for the given types combination");
        bool floats = a->type == F32 && b->type == F32 && r->type == F32, halves = a->type == BF16 && b->type == BF16 && (r->type == F32 || r->type == BF16);
        return floats || halves ? 0 : refuse(UNSUPPORTED, call, "Unsupported combination of precisions");
    }
    if (!eight(a->type) || !eight(b->type) || (a->type == E5M2 && b->type == E5M2) || (r->type != F32 && r->type != BF16))
        return refuse(UNSUPPORTED, call, "Unsupported combination of precisions");
    if (!d->transA || d->transB) return refuse(UNSUPPORTED, call, "8-bit products need A transposed and B not");
    if (m % 16 || n % 16 || k % 16 || a->leading % 16 || b->leading % 16 || c->leading % 16 || r->leading % 16)
        return refuse(UNSUPPORTED, call, "8-bit products need sides and leading dimensions in multiples of 16");
    if ((d->modeA != TENSOR && d->modeA != OUTER) || d->modeA != d->modeB) return refuse(UNSUPPORTED, call, "Unsupported scale modes");
    if (d->modeA == OUTER && (!d->scaleA || !d->scaleB)) return refuse(INVALID, call, "The scaling mode for A scale (OUTER_VEC_32F) requires a custom pointer for A scale");
    return 0;
}
EXPORT int cublasLtMatmulAlgoGetHeuristic(
    long, Desc *d, Layout *a, Layout *b, Layout *c, Layout *r, Preference *p, int requested, char *results, int *count) {
    Locked l(lock);
    *count = 0;
    if (requested <= 0) return INVALID;
    if (int status = valid("cublasLtMatmulAlgoGetHeuristic", d, a, b, c, r)) return status;
    int least = *std::min_element(p->alignment, p->alignment + 4);
    if (eight(a->type) && least < 16) return refuse(UNSUPPORTED, "cublasLtMatmulAlgoGetHeuristic", "no algorithm for so small an alignment");
    for (int i = 0; i < PROPOSALS && *count < requested; i++) {
        if (i == SPLIT && p->workspace < SPLIT_WORKSPACE) continue;
        char *result = results + 96 * (*count)++;
        memset(result, 0, 96);
        Algorithm algorithm{MAGIC, i, least, 15 + i % 3, 3 + i / 3, 0, 0, i & 1 ? 3 : 2, i == SPLIT ? 2 : 1, i == SPLIT ? 2 : 0};
        memcpy(result, &algorithm, sizeof algorithm);
        *(long *)(result + 64) = i == SPLIT ? SPLIT_WORKSPACE : 0;
    }
    return 0;
}
static bool runs(const Algorithm *a) { return a->tile >= 15 && a->tile <= 17 && !(a->tile == 17 && a->swizzle) && a->stages >= 3 && a->stages <= 4; }
EXPORT int cublasLtMatmulAlgoCheck(long, Desc *d, Layout *a, Layout *b, Layout *c, Layout *r, const Algorithm *algorithm, char *result) {
    Locked l(lock);
    if (int status = valid("cublasLtMatmulAlgoCheck", d, a, b, c, r)) return status;
    if (algorithm->magic != MAGIC || !runs(algorithm)) return UNSUPPORTED;
    *(long *)(result + 64) = algorithm->splits > 1 ? SPLIT_WORKSPACE : 0;
    *(int *)(result + 72) = 0;
    return 0;
}
static int *attribute(Algorithm *a, int which, long *bytes) {
    *bytes = which == 7 || which == 8 ? 2 : 4;
    switch (which) {
        case 0: return &a->number;
        case 1: return &a->tile;
        case 2: return &a->splits;
        case 3: return &a->scheme;
        case 4: return &a->swizzle;
        case 5: return &a->custom;
        case 6: return &a->stages;
        case 8: return &a->cluster;
        default: return nullptr;
    }
}
EXPORT int cublasLtMatmulAlgoConfigGetAttribute(Algorithm *a, int which, void *value, long bytes, long *written) {
    long size;
    int *field = attribute(a, which, &size);
    if (!field || bytes != size) return INVALID;
    memcpy(value, field, size);
    if (written) *written = size;
    return 0;
}
EXPORT int cublasLtMatmulAlgoConfigSetAttribute(Algorithm *a, int which, const void *value, long bytes) {
    long size;
    int *field = attribute(a, which, &size);
    if (!field || bytes != size || which == 0) return INVALID;
    *field = 0;
    memcpy(field, value, size);
    return 0;
}
EXPORT int cublasLtMatmulAlgoCapGetAttribute(const Algorithm *a, int which, int *value, long bytes, long *written) {
    if (which != 6 || bytes < 12) return INVALID;
    for (int i = 0; i < 3; i++) value[i] = 15 + i;
    *written = 12;
    return 0;
}
EXPORT int cublasLtMatmul(
    long, Desc *desc, const float *alpha, long a, Layout *la, long b, Layout *lb, const float *beta, long c, Layout *lc, long d, Layout *ld,
    const Algorithm *algorithm, long workspace, long workspaceBytes, long stream) {
    const char *call = "cublasLtMatmul";
    Locked l(lock);
    if (ready()) return 14;
    if (int status = valid(call, desc, la, lb, lc, ld)) return status;
    if (algorithm->magic != MAGIC || !runs(algorithm)) return refuse(UNSUPPORTED, call, "Failed to get algorithm that matches the provided configuration");
    if (c == d && lc->leading != ld->leading) return refuse(INVALID, call, "in place, C and D need one layout");
    // A proposal that the library itself then cannot run, as happens.
    if (algorithm->number == 0 && setting("LH_FAKE_GEMM", "") == "refuse") return refuse(UNSUPPORTED, call, "Failed to get algorithm that matches the provided configuration");
    if (algorithm->number == 2 && (lc->columns & 1)) return refuse(UNSUPPORTED, call, "Failed to get algorithm that matches the provided configuration");
    int aligned = algorithm->alignment;
    if ((a | b | c | d) % aligned) return refuse(UNSUPPORTED, call, "Unsupported alignment for matrix A");
    if (eight(la->type)) {
        if ((a | b | c | d) % 16) return refuse(UNSUPPORTED, call, "Unsupported alignment for matrix A. The matrix A must be 16-byte aligned");
        if (setting("LH_FAKE_FP8", "") == "none") return refuse(INVALID, call, "8-bit products are switched off");
        if ((desc->scaleA | desc->scaleB) % 16) return refuse(UNSUPPORTED, call, "a scale is not aligned to 16 bytes");
    }
    if (workspaceBytes && workspace % 256) return refuse(INVALID, call, "The workspace pointer must be aligned to at least a multiple of 256 bytes");
    bool split = algorithm->splits > 1;
    if (split && workspaceBytes < SPLIT_WORKSPACE) return refuse(INVALID, call, "workspace too small");
    bool wrong = algorithm->number != 0 && setting("LH_FAKE_GEMM", "") == "wrong";
    Desc now = *desc;
    Layout A = *la, B = *lb, C = *lc, D = *ld;
    float al = *alpha, be = *beta;
    return submit(stream, "matrix product", [=] {
        long m = C.rows, n = C.columns, k = now.transA ? A.rows : A.columns;
        needDevice(a, ((A.columns - 1) * A.leading + A.rows) * width(A.type), "first operand of a product");
        needDevice(b, ((B.columns - 1) * B.leading + B.rows) * width(B.type), "second operand of a product");
        needDevice(d, ((D.columns - 1) * D.leading + D.rows) * width(D.type), "result of a product");
        if (be != 0) needDevice(c, ((C.columns - 1) * C.leading + C.rows) * width(C.type), "addend of a product");
        if (now.scaleA) needDevice(now.scaleA, now.modeA == OUTER ? 4 * m : 4, "scale of the first operand");
        if (now.scaleB) needDevice(now.scaleB, now.modeB == OUTER ? 4 * n : 4, "scale of the second operand");
        if (split) {
            needDevice(workspace, SPLIT_WORKSPACE, "workspace of a product");
            memset((void *)workspace, 0xff, SPLIT_WORKSPACE);
        }
        if (wrong) {
            memset((void *)d, 0x3f, ((D.columns - 1) * D.leading + D.rows) * width(D.type));
            return;
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
                if (now.scaleA) total *= *(float *)(now.scaleA + (now.modeA == OUTER ? 4 * i : 0));
                if (now.scaleB) total *= *(float *)(now.scaleB + (now.modeB == OUTER ? 4 * j : 0));
                char *to = (char *)d + (j * D.leading + i) * width(D.type);
                // With beta 0 the library does not read what was there, not even NaN.
                float v = al * total + (be == 0 ? 0 : be * load((const char *)c + (j * C.leading + i) * width(C.type), C.type));
                if (D.type == F32) *(float *)to = v;
                else *(uint16_t *)to = toBf16(v);
            }
        }
    }) ? 14 : 0;
}
