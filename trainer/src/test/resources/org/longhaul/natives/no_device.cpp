// A CUDA driver without a device: what cuDNN loads before it makes a plan for a GPU that is not there.
extern "C" {
static int something[64];
int cuDriverGetVersion(int *version) { *version = 13000; return 0; }
int cuDeviceGetCount(int *count) { *count = 0; return 0; }
int cuDeviceGet(...) { return 100; }
int cuGetErrorName(int, const char **text) { *text = "NO_DEVICE"; return 0; }
int cuGetErrorString(int, const char **text) { *text = "there is no device"; return 0; }
int cuCtxGetCurrent(...) { return 100; }
int cuCtxGetLimit(...) { return 100; }
int cuCtxPopCurrent(...) { return 100; }
int cuCtxPushCurrent(...) { return 100; }
int cuStreamGetCtx(...) { return 100; }
int cuLinkCreate(...) { return 100; }
int cuLinkAddData(...) { return 100; }
int cuLinkComplete(...) { return 100; }
int cuLinkDestroy(...) { return 100; }
int cuLaunchKernel(...) { return 100; }
int cuLaunchKernelEx(...) { return 100; }
int cuLaunchCooperativeKernel(...) { return 100; }
// A compiled kernel is taken in, as a device would.
int cuLibraryLoadData(void **library, ...) { *library = something; return 0; }
int cuLibraryLoadFromFile(void **library, ...) { *library = something; return 0; }
int cuLibraryGetKernel(void **kernel, ...) { *kernel = something; return 0; }
int cuLibraryUnload(...) { return 0; }
int cuKernelSetAttribute(...) { return 0; }
int cuKernelGetAttribute(int *value, ...) { *value = 0; return 0; }
int cuOccupancyMaxPotentialClusterSize(int *size, ...) { *size = 8; return 0; }
}
