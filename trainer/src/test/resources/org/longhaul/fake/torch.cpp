// libtorch's C entry points that make tensors, with the CPU in place of CUDA; the rest is libtorch itself, which this library pulls in.
#include "machine.h"
#include <dlfcn.h>

EXPORT int lh_fake_enter();

static void *real(const char *name) {
    static void *library = dlopen("libtorch_cpu.so", RTLD_NOW | RTLD_NOLOAD);
    return dlsym(library, name);
}
EXPORT int aoti_torch_create_tensor_from_blob(
    long data, long dimensions, long sizes, long strides, long offset, int dtype, int device, int index, long out) {
    static auto f = (int (*)(long, long, long, long, long, int, int, int, long))real("aoti_torch_create_tensor_from_blob");
    if (device == 1 && lh_fake_enter()) return 1;
    return f(data, dimensions, sizes, strides, offset, dtype, 0, device == 1 ? 0 : index, out);
}
EXPORT int aoti_torch_empty_strided(long dimensions, long sizes, long strides, int dtype, int device, int index, long out) {
    static auto f = (int (*)(long, long, long, int, int, int, long))real("aoti_torch_empty_strided");
    return f(dimensions, sizes, strides, dtype, 0, device == 1 ? 0 : index, out);
}
