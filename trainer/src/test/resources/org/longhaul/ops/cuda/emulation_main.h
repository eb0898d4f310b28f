// Put behind the kernel sources and a table `kernels` of {name, call}. Returns null, or what went wrong.
extern "C" __attribute__((visibility("default"))) const char *lh_launch(const char *name, int gridX, int gridY, int blockX, int blockY, int sharedBytes, void **slots) {
    using namespace emulation;
    entry = nullptr;
    for (auto &k : kernels) {
        if (strcmp(k.name, name) == 0) entry = k.call;
    }
    if (!entry) return "no such kernel";
    arguments = slots;
    gridDim = {gridX, gridY, 1};
    blockDim = {blockX, blockY, 1};
    std::vector<unsigned char> shared(sharedBytes + 32);
    emulatedShared = shared.data() + (16 - ((uintptr_t)shared.data() & 15));
    for (int y = 0; y < gridY; y++) {
        for (int x = 0; x < gridX; x++) {
            blockIdx = {x, y, 0};
            memset(shared.data(), 0xff, shared.size());  // NaN: what a block has not written it must not read
            if (!runBlock()) return error;
        }
    }
    return nullptr;
}
