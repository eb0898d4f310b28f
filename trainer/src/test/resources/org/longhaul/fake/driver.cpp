// The CUDA driver's entry points.
#include "queues.h"
#include <algorithm>
#include <chrono>
#include <dlfcn.h>
#include <fstream>
#include <map>
#include <unistd.h>

using namespace fake;

namespace {
thread_local long context;
bool initialised;
int retained, opened;
const long CONTEXT = 0xc0ffee;

struct Module;
struct Function {
    Module *module;
    std::string name;
    int arguments, bounds, dynamic = 48 << 10;
};
struct Module {
    void *library;
    std::string file;
    const char *(*launch)(const char *, int, int, int, int, int, void **);
    std::vector<Function *> functions;
};
std::set<Module *> modules;
std::set<Function *> functions;

double seconds() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}
}  // namespace

int fake::ordinal() { return opened; }

int fake::ready() {
    leave();
    if (!initialised) return NOT_INITIALIZED;
    if (context != CONTEXT || retained == 0) return INVALID_CONTEXT;
    return sticky;
}
#define ENTER            \
    Locked locked(lock); \
    if (int status = ready()) return status

#define STREAM(s)                                                  \
    Stream *s##_ = (Stream *)s;                                    \
    if (!streams.count(s##_)) return INVALID_HANDLE
#define EVENT(e)                                                   \
    Event *e##_ = (Event *)e;                                      \
    if (!events.count(e##_)) return INVALID_HANDLE

EXPORT int cuInit(int) {
    Locked l(lock);
    int status = atoi(setting("LH_FAKE_INIT", "0").c_str());
    if (status) return status;
    if (setting("LH_FAKE_DEVICES", "1") == "0") return NO_DEVICE;
    initialised = true;
    return SUCCESS;
}
EXPORT int cuDriverGetVersion(int *version) {
    *version = atoi(setting("LH_FAKE_DRIVER", "13000").c_str());
    return SUCCESS;
}
EXPORT int cuGetErrorName(int error, const char **text) {
    static const std::map<int, const char *> names = {
        {0, "CUDA_SUCCESS"}, {1, "CUDA_ERROR_INVALID_VALUE"}, {2, "CUDA_ERROR_OUT_OF_MEMORY"}, {3, "CUDA_ERROR_NOT_INITIALIZED"},
        {100, "CUDA_ERROR_NO_DEVICE"}, {101, "CUDA_ERROR_INVALID_DEVICE"}, {200, "CUDA_ERROR_INVALID_IMAGE"},
        {201, "CUDA_ERROR_INVALID_CONTEXT"}, {209, "CUDA_ERROR_NO_BINARY_FOR_GPU"}, {400, "CUDA_ERROR_INVALID_HANDLE"},
        {500, "CUDA_ERROR_NOT_FOUND"}, {600, "CUDA_ERROR_NOT_READY"}, {700, "CUDA_ERROR_ILLEGAL_ADDRESS"},
        {701, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES"}, {719, "CUDA_ERROR_LAUNCH_FAILED"}, {802, "CUDA_ERROR_SYSTEM_NOT_READY"}, {803, "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"},
        {805, "CUDA_ERROR_MPS_CONNECTION_FAILED"}, {807, "CUDA_ERROR_MPS_SERVER_NOT_READY"},
        {900, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED"}, {901, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED"},
        {903, "CUDA_ERROR_STREAM_CAPTURE_UNMATCHED"}, {904, "CUDA_ERROR_STREAM_CAPTURE_UNJOINED"},
        {905, "CUDA_ERROR_STREAM_CAPTURE_ISOLATION"}, {907, "CUDA_ERROR_CAPTURED_EVENT"}};
    auto it = names.find(error);
    *text = it == names.end() ? "CUDA_ERROR_UNKNOWN" : it->second;
    return SUCCESS;
}
EXPORT int cuGetErrorString(int error, const char **text) { return cuGetErrorName(error, text); }
EXPORT int cuDeviceGetCount(int *count) {
    *count = atoi(setting("LH_FAKE_DEVICES", "1").c_str());
    return initialised ? SUCCESS : NOT_INITIALIZED;
}
EXPORT int cuDeviceGet(int *device, int ordinal) {
    *device = ordinal;
    return ordinal >= 0 && ordinal < atoi(setting("LH_FAKE_DEVICES", "1").c_str()) ? SUCCESS : INVALID_DEVICE;
}
EXPORT int cuDeviceGetName(char *name, int length, int) {
    snprintf(name, length, "Emulated H200");
    return SUCCESS;
}
EXPORT int cuDeviceGetUuid_v2(unsigned char *uuid, int device) {
    memset(uuid, 0xa5, 16);
    uuid[15] = device;
    return SUCCESS;
}
EXPORT int cuDeviceGetAttribute(int *value, int attribute, int) {
    switch (attribute) {
        case 16: *value = 3; return SUCCESS;
        case 36: *value = 3201000; return SUCCESS;
        case 37: *value = 6144; return SUCCESS;
        case 38: *value = 50 << 20; return SUCCESS;
        case 75: *value = 9; return SUCCESS;
        case 76: *value = 0; return SUCCESS;
        case 97: *value = 232448; return SUCCESS;
        default: return INVALID_VALUE;
    }
}
EXPORT int cuDeviceTotalMem_v2(long *bytes, int) {
    *bytes = memoryLimit();
    return SUCCESS;
}
EXPORT int cuDevicePrimaryCtxRetain(long *out, int device) {
    Locked l(lock);
    if (!initialised) return NOT_INITIALIZED;
    if (int status = atoi(setting("LH_FAKE_CONTEXT", "0").c_str())) return status;
    opened = device;
    retained++;
    *out = CONTEXT;
    return SUCCESS;
}
// The last release ends the context: what still lives then was forgotten by its owner.
EXPORT int cuDevicePrimaryCtxRelease_v2(int) {
    Locked l(lock);
    if (retained == 0) return INVALID_CONTEXT;
    drainAll();
    if (--retained == 0) {
        auto left = [](const char *what, size_t n) {
            if (n) report("leak: " + std::to_string(n) + " " + what);
        };
        left("allocations", liveBlocks());
        left("streams", streams.size());
        left("events", events.size());
        left("graphs", graphs.size());
        left("executable graphs", execs.size());
        left("modules", modules.size());
    }
    return SUCCESS;
}
EXPORT int cuCtxSetCurrent(long c) {
    context = c;
    return c == CONTEXT || c == 0 ? SUCCESS : INVALID_CONTEXT;
}
EXPORT int cuCtxSynchronize() {
    ENTER;
    for (Stream *s : streams) {
        if (s->capture) {
            s->capture->broken = true;
            return CAPTURE_UNSUPPORTED;
        }
    }
    return drainAll();
}
EXPORT int cuMemGetInfo_v2(long *free, long *total) {
    ENTER;
    *total = memoryLimit();
    *free = *total - memoryHeld();
    return SUCCESS;
}
// Like other calls that take memory or load code it may wait for all the work of the device.
EXPORT int cuMemAlloc_v2(long *address, long bytes) {
    ENTER;
    if (int status = drainAll()) return status;
    return bytes <= 0 ? (int)INVALID_VALUE : allocate(address, bytes);
}
EXPORT int cuMemFree_v2(long address) {
    ENTER;
    return release(address);
}
EXPORT int cuMemHostAlloc(long *address, long bytes, int) {
    ENTER;
    if (int status = drainAll()) return status;
    return bytes <= 0 ? (int)INVALID_VALUE : allocateHost(address, bytes);
}
EXPORT int cuMemFreeHost(long address) {
    ENTER;
    return releaseHost(address);
}
EXPORT int cuMemcpyHtoDAsync_v2(long to, long from, long bytes, long stream) {
    ENTER;
    STREAM(stream);
    if (bytes == 0) return SUCCESS;
    if (pinned(from, bytes)) {
        return submit(stream, "copy to the device", [=] {
            needDevice(to, bytes, "copy to the device");
            if (!pinned(from, bytes)) throw Fault{ILLEGAL_ADDRESS, "copy from page-locked memory that is no more"};
            memcpy((void *)to, (void *)from, bytes);
        });
    }
    // From ordinary memory the driver takes what is there now.
    if (stream_->capture) return stream_->capture->broken = true, CAPTURE_UNSUPPORTED;
    std::vector<char> now((char *)from, (char *)from + bytes);
    return submit(stream, "copy to the device", [=] {
        needDevice(to, bytes, "copy to the device");
        memcpy((void *)to, now.data(), bytes);
    });
}
EXPORT int cuMemcpyDtoHAsync_v2(long to, long from, long bytes, long stream) {
    ENTER;
    STREAM(stream);
    if (bytes == 0) return SUCCESS;
    bool asynchronous = pinned(to, bytes);
    if (!asynchronous && stream_->capture) return stream_->capture->broken = true, CAPTURE_UNSUPPORTED;
    int status = submit(stream, "copy to the host", [=] {
        needDevice(from, bytes, "copy to the host");
        if (asynchronous && !pinned(to, bytes)) throw Fault{ILLEGAL_ADDRESS, "copy into page-locked memory that is no more"};
        memcpy((void *)to, (void *)from, bytes);
    });
    if (!status && !asynchronous) advance(stream_, stream_->queued);
    return status ? status : sticky;
}
EXPORT int cuMemcpyDtoDAsync_v2(long to, long from, long bytes, long stream) {
    ENTER;
    if (bytes == 0) return SUCCESS;
    return submit(stream, "copy on the device", [=] {
        needDevice(to, bytes, "target of a copy");
        needDevice(from, bytes, "source of a copy");
        if (from < to ? from + bytes > to : to + bytes > from) throw Fault{LAUNCH_FAILED, "a copy overlaps itself"};
        memcpy((void *)to, (void *)from, bytes);
    });
}
EXPORT int cuMemsetD8Async(long to, unsigned char value, long bytes, long stream) {
    ENTER;
    if (bytes == 0) return SUCCESS;
    return submit(stream, "fill", [=] {
        needDevice(to, bytes, "fill");
        memset((void *)to, value, bytes);
    });
}
EXPORT int cuStreamCreateWithPriority(long *out, int, int priority) {
    ENTER;
    if (priority > 0 || priority < -5) return INVALID_VALUE;
    Stream *s = new Stream();
    streams.insert(s);
    *out = (long)s;
    return SUCCESS;
}
EXPORT int cuCtxGetStreamPriorityRange(int *least, int *greatest) {
    *least = 0;
    *greatest = -5;
    return SUCCESS;
}
EXPORT int cuStreamDestroy_v2(long stream) {
    ENTER;
    STREAM(stream);
    advance(stream_, stream_->queued);
    streams.erase(stream_);
    return SUCCESS;
}
EXPORT int cuStreamSynchronize(long stream) {
    ENTER;
    STREAM(stream);
    if (stream_->capture) return stream_->capture->broken = true, CAPTURE_UNSUPPORTED;
    advance(stream_, stream_->queued);
    return sticky;
}
EXPORT int cuStreamQuery(long stream) {
    ENTER;
    STREAM(stream);
    if (stream_->capture) return stream_->capture->broken = true, CAPTURE_UNSUPPORTED;
    if (stream_->done == stream_->queued) return sticky;
    pass(stream_);
    return NOT_READY;
}
EXPORT int cuStreamIsCapturing(long stream, int *status) {
    ENTER;
    STREAM(stream);
    *status = stream_->capture ? stream_->capture->broken ? 2 : 1 : 0;
    return SUCCESS;
}
EXPORT int cuStreamWaitEvent(long stream, long event, int) {
    ENTER;
    STREAM(stream);
    EVENT(event);
    if (event_->captured) {
        Graph *g = event_->captured;
        if (!graphs.count(g) || (stream_->capture && stream_->capture != g)) return CAPTURE_ISOLATION;
        if (!stream_->capture) {
            stream_->capture = g;
            stream_->frontier.clear();
            g->members.insert(stream_);
        }
        for (int n : event_->frontier) {
            if (std::find(stream_->frontier.begin(), stream_->frontier.end(), n) == stream_->frontier.end()) stream_->frontier.push_back(n);
        }
        return SUCCESS;
    }
    if (stream_->capture) return stream_->capture->broken = true, CAPTURE_ISOLATION;
    if (!event_->stream) return SUCCESS;
    stream_->queue.push_back({"wait", nullptr, event_->stream, event_->number});
    stream_->queued++;
    return SUCCESS;
}
EXPORT int cuEventCreate(long *out, int flags) {
    ENTER;
    Event *e = new Event();
    e->timing = !(flags & 2);
    events.insert(e);
    *out = (long)e;
    return SUCCESS;
}
EXPORT int cuEventDestroy_v2(long event) {
    ENTER;
    EVENT(event);
    events.erase(event_);
    return SUCCESS;
}
EXPORT int cuEventRecord(long event, long stream) {
    ENTER;
    STREAM(stream);
    EVENT(event);
    if (stream_->capture) {
        event_->captured = stream_->capture;
        event_->frontier = stream_->frontier;
        return SUCCESS;
    }
    event_->captured = nullptr;
    event_->stream = stream_;
    event_->number = stream_->queued + 1;
    return submit(stream, "event", [event_] {
        if (events.count(event_)) event_->passedAt = seconds();
    });
}
static bool passed(Event *e) { return !e->stream || !streams.count(e->stream) || e->stream->done >= e->number; }
EXPORT int cuEventQuery(long event) {
    ENTER;
    EVENT(event);
    if (event_->captured) return CAPTURED_EVENT;
    if (passed(event_)) return sticky;
    pass(event_->stream);
    return NOT_READY;
}
EXPORT int cuEventSynchronize(long event) {
    ENTER;
    EVENT(event);
    if (event_->captured) return CAPTURED_EVENT;
    if (!passed(event_)) advance(event_->stream, event_->number);
    return sticky;
}
EXPORT int cuEventElapsedTime(float *milliseconds, long start, long end) {
    ENTER;
    EVENT(start);
    EVENT(end);
    if (!start_->timing || !end_->timing || !start_->stream || !end_->stream) return INVALID_HANDLE;
    if (!passed(start_) || !passed(end_)) return NOT_READY;
    *milliseconds = (float)std::max(1e-3, (end_->passedAt - start_->passedAt) * 1e3);
    return SUCCESS;
}

// An image is an ELF file that the run-time compiler's stand-in made; its headers tell its size.
EXPORT int cuModuleLoadData(long *out, const unsigned char *image) {
    ENTER;
    if (memcmp(image, "\177ELF", 4) != 0) return INVALID_IMAGE;
    if (int status = drainAll()) return status;
    long offset, size;
    memcpy(&offset, image + 0x28, 8);
    size = offset + (long)*(uint16_t *)(image + 0x3a) * *(uint16_t *)(image + 0x3c);
    char name[] = "/tmp/lh-fake-XXXXXX";
    int file = mkstemp(name);
    if (file < 0 || write(file, image, size) != size) return OUT_OF_MEMORY;
    close(file);
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    unlink(name);
    if (!library) return INVALID_IMAGE;
    auto architecture = (const char *(*)())dlsym(library, "lh_architecture");
    if (!architecture || strcmp(architecture(), "sm_90a") != 0) return NO_BINARY;
    Module *m = new Module{library, name, (decltype(Module::launch))dlsym(library, "lh_launch"), {}};
    modules.insert(m);
    *out = (long)m;
    return SUCCESS;
}
EXPORT int cuModuleUnload(long module) {
    ENTER;
    Module *m = (Module *)module;
    if (!modules.erase(m)) return INVALID_HANDLE;
    int status = drainAll();
    for (Function *f : m->functions) {
        functions.erase(f);
        delete f;
    }
    dlclose(m->library);
    delete m;
    return status;
}
EXPORT int cuModuleGetFunction(long *out, long module, const char *name) {
    ENTER;
    Module *m = (Module *)module;
    if (!modules.count(m)) return INVALID_HANDLE;
    auto describe = (int (*)(const char *, int *, int *))dlsym(m->library, "lh_describe");
    Function *f = new Function{m, name, 0, 0};
    if (!describe(name, &f->arguments, &f->bounds)) {
        delete f;
        return NOT_FOUND;
    }
    m->functions.push_back(f);
    functions.insert(f);
    *out = (long)f;
    return SUCCESS;
}
EXPORT int cuFuncGetAttribute(int *value, int attribute, long function) {
    ENTER;
    if (!functions.count((Function *)function)) return INVALID_HANDLE;
    *value = attribute == 4 ? 32 : 0;
    return SUCCESS;
}
EXPORT int cuFuncSetAttribute(long function, int attribute, int value) {
    ENTER;
    Function *f = (Function *)function;
    if (!functions.count(f)) return INVALID_HANDLE;
    if (attribute != 8 || value > 232448) return INVALID_VALUE;
    f->dynamic = value;
    return SUCCESS;
}
EXPORT int cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, long function, int size, long) {
    ENTER;
    if (!functions.count((Function *)function)) return INVALID_HANDLE;
    *blocks = std::max(1, 2048 / std::max(1, size));
    return SUCCESS;
}
EXPORT int cuLaunchKernel(
    long function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY, unsigned blockZ, unsigned shared,
    long stream, void **parameters, void **extra) {
    ENTER;
    Function *f = (Function *)function;
    if (!functions.count(f)) return INVALID_HANDLE;
    if (gridX == 0 || gridY == 0 || gridZ == 0 || gridX > 0x7fffffff || gridY > 65535 || gridZ > 65535 || blockX == 0 || blockY == 0 ||
        blockZ == 0 || (long)blockX * blockY * blockZ > 1024 || blockZ > 64 || (int)shared > f->dynamic || extra) {
        return INVALID_VALUE;
    }
    if (f->bounds && (int)(blockX * blockY * blockZ) > f->bounds) return LAUNCH_OUT_OF_RESOURCES;
    if (gridZ != 1 || blockZ != 1) {
        report("three-dimensional launch of " + f->name + ", which the emulator does not do");
        return INVALID_VALUE;
    }
    std::vector<long> values(f->arguments + 1);
    for (int i = 0; i < f->arguments; i++) memcpy(&values[i], parameters[i], 8);
    auto launch = f->module->launch;
    std::string name = f->name;
    return submit(stream, name, [=]() mutable {
        std::vector<void *> slots;
        for (long &v : values) slots.push_back(&v);
        const char *error = launch(name.c_str(), gridX, gridY, blockX, blockY, shared, slots.data());
        if (error) throw Fault{LAUNCH_FAILED, name + ": " + error};
    });
}
EXPORT int cuStreamBeginCapture_v2(long stream, int) {
    ENTER;
    STREAM(stream);
    if (stream_->capture) return INVALID_VALUE;
    if (setting("LH_FAKE_NO_GRAPHS", "") == std::to_string(opened)) return CAPTURE_UNSUPPORTED;
    Graph *g = new Graph();
    g->origin = stream_;
    g->members.insert(stream_);
    graphs.insert(g);
    stream_->capture = g;
    stream_->frontier.clear();
    return SUCCESS;
}
EXPORT int cuStreamEndCapture(long stream, long *out) {
    ENTER;
    STREAM(stream);
    *out = 0;
    Graph *g = stream_->capture;
    if (!g || g->origin != stream_) return CAPTURE_UNMATCHED;
    int status = g->broken ? CAPTURE_INVALIDATED : SUCCESS;
    // Every node must lead to the end of the stream that began.
    std::vector<bool> joined(g->nodes.size());
    std::vector<int> open = stream_->frontier;
    while (!open.empty()) {
        int n = open.back();
        open.pop_back();
        if (!joined[n]) {
            joined[n] = true;
            open.insert(open.end(), g->nodes[n].after.begin(), g->nodes[n].after.end());
        }
    }
    if (!status && std::find(joined.begin(), joined.end(), false) != joined.end()) status = CAPTURE_UNJOINED;
    for (Stream *s : g->members) {
        if (streams.count(s)) s->capture = nullptr;
    }
    for (Event *e : events) {
        // An event that was only captured marks nothing outside.
        if (e->captured == g) {
            e->captured = nullptr;
            e->stream = nullptr;
        }
    }
    if (status) {
        graphs.erase(g);
        delete g;
        return status;
    }
    *out = (long)g;
    return SUCCESS;
}
EXPORT int cuGraphInstantiateWithFlags(long *out, long graph, long flags) {
    ENTER;
    if (flags & ~8L) return INVALID_VALUE;
    if (!graphs.count((Graph *)graph)) return INVALID_HANDLE;
    GraphExec *e = new GraphExec{*(Graph *)graph};
    execs.insert(e);
    *out = (long)e;
    return SUCCESS;
}
EXPORT int cuGraphGetNodes(long graph, long *nodes, long *count) {
    ENTER;
    if (!graphs.count((Graph *)graph)) return INVALID_HANDLE;
    if (!nodes) *count = ((Graph *)graph)->nodes.size();
    return SUCCESS;
}
EXPORT int cuGraphUpload(long executable, long stream) {
    ENTER;
    STREAM(stream);
    return execs.count((GraphExec *)executable) ? SUCCESS : INVALID_HANDLE;
}
EXPORT int cuGraphLaunch(long executable, long stream) {
    ENTER;
    GraphExec *e = (GraphExec *)executable;
    if (!execs.count(e)) return INVALID_HANDLE;
    if (capturing(stream)) return CAPTURE_UNSUPPORTED;
    auto whole = [=] {
        if (!execs.count(e)) throw Fault{LAUNCH_FAILED, "a graph was destroyed before it ran"};
        return perform(&e->graph);
    };
    if (!e->graph.waits) return submit(stream, "graph", [=] { whole()(); });
    // A group of ranks does one thing after the other, on whatever stream.
    for (auto &k : e->graph.keeps) turn(k.first, stream);
    return submitWait(stream, "graph with collectives", whole);
}
EXPORT int cuGraphDestroy(long graph) {
    ENTER;
    if (!graphs.erase((Graph *)graph)) return INVALID_HANDLE;
    delete (Graph *)graph;
    return SUCCESS;
}
EXPORT int cuGraphExecDestroy(long executable) {
    ENTER;
    if (!execs.count((GraphExec *)executable)) return INVALID_HANDLE;
    drainAll();
    execs.erase((GraphExec *)executable);
    delete (GraphExec *)executable;
    return SUCCESS;
}
EXPORT int cuProfilerStart() { return SUCCESS; }
EXPORT int cuProfilerStop() { return SUCCESS; }
