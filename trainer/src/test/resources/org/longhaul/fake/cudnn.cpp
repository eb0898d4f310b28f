// cuDNN's graph entry points: descriptors are kept as they are set, and a plan runs its operations one after the other as written.
#include "machine.h"
#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <set>

using namespace fake;

namespace {
struct Descriptor {
    int type;
    bool finished = false;
    std::map<int, std::vector<long>> longs;
    std::vector<struct Tensor> tensors;
};
const int FLOAT = 0, INT32 = 4, BFLOAT16 = 9, BOOLEAN = 11;
// A tensor within a run: inside the graph its elements are floats (of float or bf16 precision), integers and truth values too.
struct Tensor {
    long id;
    int type;
    std::vector<long> dims, strides;
    bool isVirtual, byValue;
    std::shared_ptr<std::vector<float>> memory;
    long address = 0;
    // Of a ragged tensor: where each first index begins, and how long it is there.
    std::shared_ptr<std::vector<long>> places, lengths;
    long at(const long *i) const {
        long o = places ? (*places)[i[0]] : dims[0] == 1 ? 0 : i[0] * strides[0];
        for (int d = 1; d < 4; d++) o += dims[d] == 1 ? 0 : i[d] * strides[d];
        return o;
    }
    // The axis along which a ragged tensor's extent differs: of the last two the one that steps further.
    int along() const { return dims[3] == 1 || dims[2] > 1 && strides[2] > strides[3] ? 2 : 3; }
    bool beyond(const long *i) const { return places && i[along()] >= (*lengths)[i[0]]; }
    long span() const {
        long n = 1;
        for (int d = 0; d < 4; d++) n += (dims[d] - 1) * strides[d];
        return n;
    }
    float get(const long *i) const {
        // Nobody may count on what lies there.
        if (beyond(i)) return NAN;
        long o = at(i);
        if (memory) return (*memory)[o];
        switch (type) {
            case FLOAT: return ((float *)address)[o];
            case INT32: return ((int *)address)[o];
            case BFLOAT16: return fromBf16(((uint16_t *)address)[o]);
            default: throw Fault{LAUNCH_FAILED, "cuDNN: tensor " + std::to_string(id) + " in memory has type " + std::to_string(type)};
        }
    }
    int bytes() const { return type == BFLOAT16 ? 2 : 4; }
    void set(const long *i, float v) const {
        if (beyond(i)) return;
        long o = at(i);
        float stored = type == 9 ? fromBf16(toBf16(v)) : v;
        if (memory) (*memory)[o] = stored;
        else if (type == FLOAT) ((float *)address)[o] = v;
        else if (type == BFLOAT16) ((uint16_t *)address)[o] = toBf16(v);
        else throw Fault{LAUNCH_FAILED, "cuDNN: tensor " + std::to_string(id) + " of type " + std::to_string(type) + " is written"};
    }
};
template <typename F>
void each(const std::vector<long> &dims, F f) {
    long i[4];
    for (i[0] = 0; i[0] < dims[0]; i[0]++)
        for (i[1] = 0; i[1] < dims[1]; i[1]++)
            for (i[2] = 0; i[2] < dims[2]; i[2]++)
                for (i[3] = 0; i[3] < dims[3]; i[3]++) f(i);
}
struct Run {
    std::map<Descriptor *, Tensor> tensors;
    std::map<long, long> addresses;
    std::shared_ptr<std::vector<long>> lengths;

    // A vector of integers in memory, [n,1,1,1].
    std::shared_ptr<std::vector<long>> integers(long handle, long atLeast) {
        Tensor t = tensor(handle);
        if (t.type != INT32 || t.isVirtual || t.dims[0] < atLeast) throw Fault{LAUNCH_FAILED, "cuDNN: lengths or places are no integers in memory"};
        auto v = std::make_shared<std::vector<long>>();
        for (long n = 0; n < t.dims[0]; n++) {
            long i[] = {n, 0, 0, 0};
            v->push_back((long)t.get(i));
        }
        return v;
    }
    // As seen on an H200 (9.19): sums of dq are read as if they lay as dq does, and places of each query head's gradient are those of
    // the sum over heads, times as much as its rows are longer.
    void raggedRules(const std::vector<long> &operations) {
        for (long operation : operations) {
            Descriptor *o = (Descriptor *)operation;
            if (o->type == 13 && ((Descriptor *)o->longs[750][0])->longs[0][0] == 21) {
                Tensor x = tensor(o->longs[751][0]), y = tensor(o->longs[753][0]);
                if (x.places && (x.strides != y.strides || *x.places != *y.places)) throw Fault{LAUNCH_FAILED, "cuDNN: sums of dq lie otherwise than dq"};
            }
            if (o->type == 22) {
                Tensor x = tensor(o->longs[1610][0]), y = tensor(o->longs[1611][0]);
                if (!x.places || x.dims[1] == y.dims[1]) continue;
                auto places = std::make_shared<std::vector<long>>(*y.places);
                for (long &p : *places) p *= x.strides[2] / y.strides[2];
                tensors[(Descriptor *)o->longs[1610][0]].places = places;
            }
        }
    }
    // The lengths of ragged tensors are those of the products they are in.
    void prepare(const std::vector<long> &operations) {
        for (long operation : operations) {
            Descriptor *o = (Descriptor *)operation;
            if (o->type == 19 && o->longs.count(1525) && !lengths) lengths = integers(o->longs[1525][0], 1);
        }
    }

    Tensor &tensor(long handle) {
        Descriptor *d = (Descriptor *)handle;
        auto it = tensors.find(d);
        if (it != tensors.end()) return it->second;
        Tensor t{d->longs[906][0], (int)d->longs[901][0], d->longs[902], d->longs[903], d->longs[907][0] != 0, d->longs.count(908) > 0, {}, 0};
        if (d->longs.count(913)) {
            if (!lengths) throw Fault{LAUNCH_FAILED, "cuDNN: a ragged tensor in a graph without lengths"};
            t.places = integers(d->longs[913][0], t.dims[0] + 1);
            t.lengths = lengths;
            if ((long)lengths->size() != t.dims[0]) throw Fault{LAUNCH_FAILED, "cuDNN: a ragged tensor has another number of lengths"};
        }
        // Two elements in one place: an engine that kept the tensor would mix them up.
        std::vector<int> axes = {0, 1, 2, 3};
        if (t.places) axes = {1, 2, 3};
        std::sort(axes.begin(), axes.end(), [&](int a, int b) { return t.strides[a] < t.strides[b]; });
        long past = 1;
        for (int a : axes) {
            if (t.dims[a] == 1) continue;
            if (t.strides[a] < past) throw Fault{LAUNCH_FAILED, "cuDNN: the strides of tensor " + std::to_string(t.id) + " overlap"};
            past = t.strides[a] * (t.dims[a] - 1) + past;
        }
        if (t.isVirtual) {
            t.memory = std::make_shared<std::vector<float>>(t.span(), NAN);
        } else {
            if (!addresses.count(t.id)) throw Fault{LAUNCH_FAILED, "cuDNN: a tensor has no address"};
            t.address = addresses[t.id];
            if (!t.byValue) {
                if (t.address % 16) throw Fault{LAUNCH_FAILED, "cuDNN: an address is not aligned to 16 bytes"};
                if (!t.places) needDevice(t.address, t.span() * t.bytes(), "tensor of cuDNN");
                for (long n = 0; t.places && n < t.dims[0]; n++) {
                    if ((*t.lengths)[n] < 0 || (*t.lengths)[n] > t.dims[t.along()]) throw Fault{LAUNCH_FAILED, "cuDNN: a length is out of range"};
                    if ((*t.places)[n + 1] < (*t.places)[n]) throw Fault{LAUNCH_FAILED, "cuDNN: places of a ragged tensor go back"};
                    if ((*t.lengths)[n] == 0) continue;
                    long last[] = {n, t.dims[1] - 1, t.dims[2] - 1, t.dims[3] - 1};
                    last[t.along()] = (*t.lengths)[n] - 1;
                    needDevice(t.address + (*t.places)[n] * t.bytes(), (t.at(last) + 1 - (*t.places)[n]) * t.bytes(), "ragged tensor of cuDNN");
                }
            }
        }
        return tensors[d] = t;
    }
    void pointwise(Descriptor *o) {
        Descriptor *p = (Descriptor *)o->longs[750][0];
        int mode = p->longs[0][0], axis = p->longs.count(9) ? p->longs[9][0] : -1;
        Tensor x = tensor(o->longs[751][0]), y = tensor(o->longs[753][0]), b = x, c = x;
        if (o->longs.count(752)) b = tensor(o->longs[752][0]);
        if (o->longs.count(758)) c = tensor(o->longs[758][0]);
        each(y.dims, [&](const long *i) {
            float u = x.get(i), v = b.get(i), r;
            switch (mode) {
                case 0: r = u + v; break;
                case 1: r = u * v; break;
                case 6: r = u / v; break;
                case 9: r = u - v; break;
                case 13: r = std::exp(u); break;
                case 15: r = std::log(u); break;
                case 21: r = u; break;
                case 303: r = u >= v; break;
                case 304: r = u < v; break;
                case 400: r = u != 0 && v != 0; break;
                case 501: r = i[axis]; break;
                case 601: r = c.get(i) != 0 ? u : v; break;
                default: throw Fault{LAUNCH_FAILED, "cuDNN: pointwise mode " + std::to_string(mode)};
            }
            y.set(i, r);
        });
    }
    void product(Descriptor *o) {
        Tensor a = tensor(o->longs[1520][0]), b = tensor(o->longs[1521][0]), c = tensor(o->longs[1522][0]);
        if (a.dims[3] != b.dims[2] || c.dims[2] != a.dims[2] || c.dims[3] != b.dims[3] || a.dims[1] % b.dims[1]) {
            throw Fault{LAUNCH_FAILED, "cuDNN: a product's dimensions do not fit"};
        }
        long group = a.dims[1] / b.dims[1];
        std::shared_ptr<std::vector<long>> extents[3];
        for (int e = 0; e < 3; e++) {
            if (o->longs.count(1525 + e)) extents[e] = integers(o->longs[1525 + e][0], c.dims[0]);
        }
        each(c.dims, [&](const long *i) {
            float s = 0;
            if (extents[0] && i[2] >= (*extents[0])[i[0]] || extents[1] && i[3] >= (*extents[1])[i[0]]) {
                c.set(i, NAN);
                return;
            }
            for (long k = 0; k < (extents[2] ? (*extents[2])[i[0]] : a.dims[3]); k++) {
                long ia[] = {i[0], i[1], i[2], k}, ib[] = {i[0], i[1] / group, k, i[3]};
                s += a.get(ia) * b.get(ib);
            }
            c.set(i, s);
        });
    }
    void reduce(Descriptor *o) {
        Tensor x = tensor(o->longs[1610][0]), y = tensor(o->longs[1611][0]);
        int op = ((Descriptor *)o->longs[1612][0])->longs[1600][0];
        each(y.dims, [&](const long *i) {
            float s = op == 0 ? 0 : -INFINITY;
            std::vector<long> share(4);
            for (int d = 0; d < 4; d++) share[d] = x.dims[d] / y.dims[d];
            each(share, [&](const long *j) {
                long at[4];
                for (int d = 0; d < 4; d++) at[d] = i[d] * share[d] + j[d];
                float v = x.get(at);
                s = op == 0 ? s + v : std::max(s, v);
            });
            y.set(i, s);
        });
    }
    // The same memory with other dimensions and strides.
    void reshape(Descriptor *o) {
        Tensor x = tensor(o->longs[2200][0]);
        Tensor y = tensor(o->longs[2201][0]);
        if (x.memory) {
            y.memory = x.memory;
            if (y.type != x.type) {
                y.memory = std::make_shared<std::vector<float>>(*x.memory);
                for (float &f : *y.memory) f = y.type == 9 ? fromBf16(toBf16(f)) : f;
            }
        } else {
            y.memory = nullptr;
            y.places = x.places;
            y.lengths = x.lengths;
            y.address = x.address;
            y.isVirtual = false;
        }
        tensors[(Descriptor *)o->longs[2201][0]] = y;
    }
};
long typeOf(long tensor) { return ((Descriptor *)tensor)->longs[901][0]; }
// What cuDNN 9.19 takes into its attention kernels (asked for an H200): integers are compared with integers, and conditions are combined
// only of both ends of what is padded, whose indices nothing else reads.
struct Padding {
    std::set<long> conditions, indices;
};
bool runnable(Descriptor *o, Padding &padding) {
    if (o->type != 13) return true;
    long mode = ((Descriptor *)o->longs[750][0])->longs[0][0];
    const long known[] = {0, 1, 6, 9, 13, 15, 21, 303, 304, 400, 501, 601};
    if (std::find(std::begin(known), std::end(known), mode) == std::end(known)) return false;
    if (mode == 400) return padding.conditions.count(o->longs[751][0]) && padding.conditions.count(o->longs[752][0]);
    if (mode == 304) {
        padding.conditions.insert(o->longs[753][0]);
        padding.indices.insert(o->longs[751][0]);
    }
    if (mode == 303 && (padding.indices.count(o->longs[751][0]) || padding.indices.count(o->longs[752][0]))) return false;
    if (mode == 303 || mode == 304) return typeOf(o->longs[751][0]) == INT32 && typeOf(o->longs[752][0]) == INT32 && typeOf(o->longs[753][0]) == BOOLEAN;
    if (mode == 601) return typeOf(o->longs[758][0]) == BOOLEAN;
    return true;
}
long streamOf = 0;
const long WORKSPACE = 2048;
}  // namespace

EXPORT long cudnnGetVersion() { return 91900; }
EXPORT const char *cudnnGetErrorString(int) { return "CUDNN_STATUS"; }
EXPORT void cudnnGetLastErrorString(char *message, long size) { snprintf(message, size, "%s", ""); }
EXPORT int cudnnCreate(long *handle) {
    Locked l(lock);
    if (ready()) return 1001;
    *handle = 0xcd;
    return 0;
}
EXPORT int cudnnDestroy(long) { return 0; }
EXPORT int cudnnSetStream(long, long stream) {
    streamOf = stream;
    return 0;
}
EXPORT int cudnnBackendCreateDescriptor(int type, Descriptor **out) {
    *out = new Descriptor{type};
    return 0;
}
EXPORT int cudnnBackendDestroyDescriptor(Descriptor *d) {
    delete d;
    return 0;
}
EXPORT int cudnnBackendFinalize(Descriptor *d) {
    d->finished = true;
    if (d->type == 17) {
        size_t rank = d->longs[902].size();
        return rank == 4 && d->longs[903].size() == 4 && d->longs.count(906) && d->longs.count(901) ? 0 : 2000;
    }
    return 0;
}
EXPORT int cudnnBackendSetAttribute(Descriptor *d, int attribute, int type, long count, const void *values) {
    if (d->finished) return 2000;
    std::vector<long> &v = d->longs[attribute];
    v.clear();
    for (long i = 0; i < count; i++) {
        switch (type) {
            case 0: case 3: case 6: case 15: v.push_back(((const long *)values)[i]); break;
            case 2: v.push_back(((const char *)values)[i]); break;
            default: v.push_back(((const int *)values)[i]); break;
        }
    }
    return 0;
}
EXPORT int cudnnBackendGetAttribute(Descriptor *d, int attribute, int, long room, long *count, long *values) {
    if (d->type == 4 && attribute == 202 && room > 0) {
        // One engine configuration, which knows the graph it is for; none for a graph that no engine runs.
        *count = 0;
        Padding padding;
        for (long operation : ((Descriptor *)d->longs[201][0])->longs[801]) {
            if (!runnable((Descriptor *)operation, padding)) return 0;
        }
        *count = 1;
        ((Descriptor *)values[0])->longs[-1] = d->longs[201];
        return 0;
    }
    if (d->type == 3 && attribute == 300) {
        *count = 1;
        return 0;
    }
    if (d->type == 2 && attribute == 1303) {
        *count = 0;
        return 0;
    }
    if (d->type == 5 && attribute == 402) {
        *count = 1;
        *values = WORKSPACE;
        return 0;
    }
    return 2000;
}
EXPORT int cudnnBackendExecute(long, Descriptor *plan, Descriptor *pack) {
    Locked l(lock);
    if (ready()) return 5000;
    if (!plan->finished || !pack->finished || pack->longs[1000].size() != pack->longs[1001].size()) return 2000;
    Descriptor *graph = (Descriptor *)((Descriptor *)plan->longs[401][0])->longs[-1][0];
    std::vector<long> ids = pack->longs[1000], addresses = pack->longs[1001];
    long workspace = pack->longs[1003][0];
    // Values given by the address of host memory are read now, not when the device comes to it.
    auto constants = std::make_shared<std::map<long, float>>();
    for (long operation : graph->longs[801]) {
        for (auto &attribute : ((Descriptor *)operation)->longs) {
            for (long handle : attribute.second) {
                Descriptor *t = (Descriptor *)handle;
                if (t->type == 17 && t->longs.count(908)) {
                    auto at = std::find(ids.begin(), ids.end(), t->longs[906][0]);
                    if (at != ids.end()) (*constants)[*at] = *(float *)addresses[at - ids.begin()];
                }
            }
        }
    }
    int status = submit(streamOf, "attention of cuDNN", [=] {
        needDevice(workspace, WORKSPACE, "workspace of cuDNN");
        memset((void *)workspace, 0xff, WORKSPACE);
        Run run;
        for (size_t i = 0; i < ids.size(); i++) {
            auto constant = constants->find(ids[i]);
            run.addresses[ids[i]] = constant == constants->end() ? addresses[i] : (long)&constant->second;
        }
        run.prepare(graph->longs[801]);
        run.raggedRules(graph->longs[801]);
        for (long operation : graph->longs[801]) {
            Descriptor *o = (Descriptor *)operation;
            switch (o->type) {
                case 13: run.pointwise(o); break;
                case 19: run.product(o); break;
                case 22: run.reduce(o); break;
                case 31: run.reshape(o); break;
                default: throw Fault{LAUNCH_FAILED, "cuDNN: operation " + std::to_string(o->type)};
            }
        }
    });
    return status ? 5000 : 0;
}
