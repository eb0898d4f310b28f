// A CUDA machine in host memory, for tests of the code that drives one. Work is queued and, unless told otherwise, done as late as
// the rules allow: when something waits for it. So a missing wait shows up as wrong data every time, not once a week.
//   LH_FAKE_ORDER   late (as said), eager, or random:SEED
//   LH_FAKE_MEMORY  bytes of the device       LH_FAKE_DEVICES  how many devices     LH_FAKE_DRIVER  CUDA version of the driver
//   LH_FAKE_INIT    status that cuInit gives  LH_FAKE_REPORT   file to which faults and leaks are appended
//   LH_FAKE_NCCL    version of NCCL           LH_FAKE_NO_GRAPHS number of the device that records none
//   LH_FAKE_NVRTC   name of a source that shall not compile                       LH_FAKE_CONTEXT status that making a context gives
//   LH_FAKE_PINNED  bytes of page-locked memory that the machine gives
#pragma once
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace fake {
enum {
    SUCCESS = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NOT_INITIALIZED = 3, NO_DEVICE = 100, INVALID_DEVICE = 101, INVALID_IMAGE = 200,
    INVALID_CONTEXT = 201, NO_BINARY = 209, INVALID_HANDLE = 400, NOT_FOUND = 500, NOT_READY = 600, ILLEGAL_ADDRESS = 700,
    LAUNCH_OUT_OF_RESOURCES = 701, LAUNCH_FAILED = 719, CAPTURE_UNSUPPORTED = 900, CAPTURE_INVALIDATED = 901, CAPTURE_UNMATCHED = 903,
    CAPTURE_UNJOINED = 904, CAPTURE_ISOLATION = 905, CAPTURED_EVENT = 907
};
using Work = std::function<void()>;
// Work that may have to wait for other processes: begun once its turn has come, it is asked until it says that it is over.
using Poll = std::function<bool()>;
using Begin = std::function<Poll()>;
// What work throws when the device would have stopped.
struct Fault {
    int status;
    std::string text;
};
// Held by every call; work that waits for another process lets go of it meanwhile, as a GPU waits without its host.
struct Lock {
    std::recursive_mutex mutex;
    int depth = 0;
    void lock() { mutex.lock(), depth++; }
    bool try_lock() { return mutex.try_lock() && (depth++, true); }
    void unlock() { depth--, mutex.unlock(); }
};
extern Lock lock;
typedef std::lock_guard<Lock> Locked;
// The device of this process.
int ordinal();

inline std::string setting(const char *name, const char *otherwise) {
    const char *v = getenv(name);
    return v && *v ? v : otherwise;
}
// A line for the test that reads LH_FAKE_REPORT.
void report(const std::string &line);
// Queues work on a stream, or records it where the stream captures; the status of the call.
int submit(long stream, std::string name, Work work);
int submitWait(long stream, std::string name, Begin begin);
bool capturing(long stream);
// Lets other threads, and other processes through shared memory, go on for a moment. The lock is held again afterwards.
void rest(bool briefly = false);
// Throws a Fault unless the range lies within one live allocation of the device.
void needDevice(long address, long bytes, const char *what);
// Whether the range is page-locked host memory.
bool pinned(long address, long bytes);
// The folder that this library lies in.
std::string folder();
// Whether this thread may call the driver; else the status to give.
int ready();

inline float fromBf16(uint16_t b) {
    uint32_t u = (uint32_t)b << 16;
    float f;
    memcpy(&f, &u, 4);
    return f;
}
inline uint16_t toBf16(float f) {
    uint32_t u;
    memcpy(&u, &f, 4);
    if ((u & 0x7fffffffu) > 0x7f800000u) return 0x7fff;
    return (u + 0x7fff + ((u >> 16) & 1)) >> 16;
}
}  // namespace fake
