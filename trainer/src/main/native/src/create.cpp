// Making tensors, moving them, looking into them; the engine's settings.
#include <ATen/Parallel.h>
#include <ATen/TensorIndexing.h>
#include <ATen/core/grad_mode.h>
#if __has_include(<c10/core/CachingDeviceAllocator.h>)
#include <c10/core/CachingDeviceAllocator.h>
#endif

#include "bridge.h"

namespace longhaul {

namespace {

// In the order of ai.djl.ndarray.types.DataType; UNKNOWN and STRING have no tensor type.
constexpr at::ScalarType TYPES[] = {
    at::kFloat,     at::kDouble,    at::kHalf,     at::kByte,   at::kInt,    at::kChar,   at::kLong,   at::kBool,
    at::kComplexFloat, at::ScalarType::Undefined, at::ScalarType::Undefined, at::kBFloat16, at::kUInt64, at::kUInt32, at::kUInt16,
    at::kShort};
constexpr int UNKNOWN = 9;
constexpr int COUNT = sizeof(TYPES) / sizeof(TYPES[0]);

Tensor finish(Tensor tensor, bool grad) {
  return grad ? tensor.requires_grad_(true) : tensor;
}

using at::indexing::Slice;
using at::indexing::TensorIndex;
using Indices = std::vector<TensorIndex>;

Indices slices(const Longs& from, const Longs& to, const Longs& step) {
  Indices indices;
  for (size_t i = 0; i < from.size(); i++) {
    indices.emplace_back(Slice(from[i], to[i], step[i]));
  }
  return indices;
}

Indices& indicesAt(int64_t handle) {
  return *reinterpret_cast<Indices*>(handle);
}

}  // namespace

at::ScalarType scalarType(int ordinal) {
  at::ScalarType type = ordinal < 0 || ordinal >= COUNT ? at::ScalarType::Undefined : TYPES[ordinal];
  if (type == at::ScalarType::Undefined) {
    throw std::invalid_argument("no tensor type for DJL data type number " + std::to_string(ordinal));
  }
  return type;
}

int ordinalOf(at::ScalarType type) {
  for (int i = 0; i < COUNT; i++) {
    if (TYPES[i] == type && type != at::ScalarType::Undefined) {
      return i;
    }
  }
  return UNKNOWN;
}

at::TensorOptions optionsOf(int dtype, int layout, Device device) {
  if (layout < 0 || layout > 2) {
    throw std::invalid_argument("unknown layout " + std::to_string(layout));
  }
  c10::Layout kind = layout == 0 ? c10::kStrided : layout == 1 ? c10::kSparse : c10::kMkldnn;
  return at::TensorOptions().dtype(scalarType(dtype)).layout(kind).device(device.device);
}

void addCreation(Natives& n) {
#if __has_include(<c10/core/CachingDeviceAllocator.h>)
  add<[]() { c10::getDeviceAllocator(c10::DeviceType::CUDA)->emptyCache(); }>(n, "torchCudaEmptyCache");
#endif
  // Settings.
  add<[]() -> int { return at::get_num_interop_threads(); }>(n, "torchGetNumInteropThreads");
  add<[]() -> int { return at::get_num_threads(); }>(n, "torchGetNumThreads");
  add<[](int threads) { at::set_num_interop_threads(threads); }>(n, "torchSetNumInteropThreads");
  add<[](int threads) { at::set_num_threads(threads); }>(n, "torchSetNumThreads");
  add<[](bool on) { at::globalContext().setBenchmarkCuDNN(on); }>(n, "torchSetBenchmarkCuDNN");
  add<[](int64_t seed) { at::manual_seed(static_cast<uint64_t>(seed)); }>(n, "torchManualSeed");
  // Longhaul runs no TorchScript, whose optimiser this would steer.
  add<[](bool) {}>(n, "setGraphExecutorOptimize");

  add<[](Names features) {
    const at::Context& context = at::globalContext();
    const std::pair<const char*, bool> has[] = {
        {"CUDA", context.hasCUDA()},     {"CUDNN", context.hasCuDNN()},      {"MKL", context.hasMKL()},
        {"MKLDNN", context.hasMKLDNN()}, {"OPENMP", at::hasOpenMP()},        {"LAPACK", context.hasLAPACK()},
    };
    for (const auto& [name, present] : has) {
      if (present) {
        features.add(name);
      }
    }
  }>(n, "torchShowConfig");

  // What a tensor is.
  add<[](const Tensor& t) -> Longs { return t.sizes().vec(); }>(n, "torchSizes");
  add<[](const Tensor& t) -> bool { return t.is_contiguous(); }>(n, "torchIsContiguous");
  add<[](const Tensor& t) -> int { return ordinalOf(t.scalar_type()); }>(n, "torchDType");
  add<[](const Tensor& t) -> Device { return {t.device()}; }>(n, "torchDevice");
  add<[](const Tensor& t) -> int {
    switch (t.layout()) {
      case c10::kStrided:
        return 0;
      case c10::kSparse:
        return 1;
      case c10::kMkldnn:
        return 2;
      default:
        throw std::invalid_argument("tensor layout unknown to DJL");
    }
  }>(n, "torchLayout");
  add<[](const Tensor& t) -> BytesOf { return {t}; }>(n, "torchDataPtr");
  add<[](const Tensor& t) -> MemoryOf { return {t}; }>(n, "torchDirectByteBuffer");

  // Copies and conversions.
  add<[](const Tensor& t) -> Tensor { return t.contiguous(); }>(n, "torchToContiguous");
  add<[](const Tensor& t) -> Tensor { return t.clone(); }>(n, "tensorClone");
  add<[](const Tensor& t, int dtype, Device device) -> Tensor {
    return t.to(device.device, scalarType(dtype), /*non_blocking=*/false, /*copy=*/true);
  }>(n, "torchTo");
  add<[](const Tensor& t) -> Tensor { return t.to_sparse(); }>(n, "torchToSparse");
  add<[](const Tensor& t) -> Tensor { return t.to_dense(); }>(n, "torchToDense");
  add<[](int64_t handle) { delete reinterpret_cast<Tensor*>(handle); }>(n, "torchDeleteTensor");
  add<[](Tensor& t, Buffer source) {
    if (source.size < static_cast<int64_t>(t.nbytes())) {
      throw std::invalid_argument("the buffer is smaller than the tensor");
    }
    at::NoGradGuard off;
    t.copy_(at::from_blob(source.data, t.sizes(), t.options().device(at::kCPU).requires_grad(false)));
  }>(n, "torchSet");

  // New tensors.
  add<[](Longs shape, int dtype, int layout, Device device, bool grad) -> Tensor {
    return finish(at::empty(shape, optionsOf(dtype, layout, device)), grad);
  }>(n, "torchEmpty");
  add<[](Longs shape, int dtype, int layout, Device device, bool grad) -> Tensor {
    return finish(at::zeros(shape, optionsOf(dtype, layout, device)), grad);
  }>(n, "torchZeros");
  add<[](Longs shape, int dtype, int layout, Device device, bool grad) -> Tensor {
    return finish(at::ones(shape, optionsOf(dtype, layout, device)), grad);
  }>(n, "torchOnes");
  add<[](Longs shape, double value, int dtype, int layout, Device device, bool grad) -> Tensor {
    return finish(at::full(shape, value, optionsOf(dtype, layout, device)), grad);
  }>(n, "torchFull");
  add<[](const Tensor& t, int dtype, int layout, Device device, bool grad) -> Tensor {
    return finish(at::zeros_like(t, optionsOf(dtype, layout, device)), grad);
  }>(n, "torchZerosLike");
  add<[](const Tensor& t, int dtype, int layout, Device device, bool grad) -> Tensor {
    return finish(at::ones_like(t, optionsOf(dtype, layout, device)), grad);
  }>(n, "torchOnesLike");
  add<[](float start, float end, float step, int dtype, int layout, Device device, bool grad) -> Tensor {
    return finish(at::arange(start, end, step, optionsOf(dtype, layout, device)), grad);
  }>(n, "torchArange");
  add<[](float start, float end, int steps, int dtype, int layout, Device device, bool grad) -> Tensor {
    return finish(at::linspace(start, end, steps, optionsOf(dtype, layout, device)), grad);
  }>(n, "torchLinspace");
  add<[](int rows, int columns, int dtype, int layout, Device device, bool grad) -> Tensor {
    return finish(at::eye(rows, columns, optionsOf(dtype, layout, device)), grad);
  }>(n, "torchEye");
  add<[](Buffer data, Longs shape, int dtype, int layout, Device device, bool grad) -> Tensor {
    at::TensorOptions options = optionsOf(dtype, 0, {c10::Device(at::kCPU)});
    int64_t bytes = static_cast<int64_t>(options.dtype().itemsize());
    for (int64_t extent : shape) {
      bytes *= extent;
    }
    if (data.size < bytes) {
      throw std::invalid_argument("the buffer of " + std::to_string(data.size) + " bytes is smaller than the tensor's " +
                                  std::to_string(bytes));
    }
    Tensor t = at::from_blob(data.data, shape, options);
    if (layout == 1) {
      t = t.to_sparse();
    } else if (layout == 2) {
      t = t.to_mkldnn();
    }
    return finish(device.device.is_cpu() ? t : t.to(device.device), grad);
  }>(n, "torchFromBlob");
  add<[](int64_t low, int64_t high, Longs shape, int dtype, int layout, Device device, bool grad) -> Tensor {
    return finish(at::randint(low, high, shape, optionsOf(dtype, layout, device)), grad);
  }>(n, "torchRandint");
  add<[](int64_t count, int dtype, int layout, Device device, bool grad) -> Tensor {
    return finish(at::randperm(count, optionsOf(dtype, layout, device)), grad);
  }>(n, "torchRandPerm");
  add<[](double mean, double deviation, Longs shape, int dtype, int layout, Device device, bool grad) -> Tensor {
    return finish(at::empty(shape, optionsOf(dtype, layout, device)).normal_(mean, deviation), grad);
  }>(n, "torchNormal");
  add<[](double from, double to, Longs shape, int dtype, int layout, Device device, bool grad) -> Tensor {
    return finish(at::empty(shape, optionsOf(dtype, layout, device)).uniform_(from, to), grad);
  }>(n, "tensorUniform");

  // Indexing.
  add<[](const Tensor& t, int64_t index) -> Tensor { return t[index]; }>(n, "torchGetItem");
  add<[](const Tensor& t, Longs indices) -> Tensor {
    Tensor r = t;
    for (int64_t index : indices) {
      r = r[index];
    }
    return r;
  }>(n, "torchGetItem");
  add<[](const Tensor& t, Longs from, Longs to, Longs step) -> Tensor { return t.index(slices(from, to, step)); }>(n, "torchIndex");
  add<[](Tensor& t, const Tensor& value, Longs from, Longs to, Longs step) {
    t.index_put_(slices(from, to, step), value);
  }>(n, "torchIndexPut");
  add<[](const Tensor& t, int64_t dim, int64_t from, int64_t to, int64_t step) -> Tensor { return t.slice(dim, from, to, step); }>(
      n, "torchSlice");
  add<[](int size) -> int64_t {
    auto* indices = new Indices();
    indices->reserve(static_cast<size_t>(size));
    return reinterpret_cast<int64_t>(indices);
  }>(n, "torchIndexInit");
  add<[](int64_t handle) { delete &indicesAt(handle); }>(n, "torchDeleteIndex");
  add<[](int64_t handle, bool ellipsis) {
    if (ellipsis) {
      indicesAt(handle).emplace_back(at::indexing::Ellipsis);
    } else {
      indicesAt(handle).emplace_back(at::indexing::None);
    }
  }>(n, "torchIndexAppendNoneEllipsis");
  add<[](int64_t handle, int64_t from, int64_t to, int64_t step, int absent) {
    // Bit 0: no end given; bit 1: no start given.
    auto start = (absent & 2) ? std::optional<c10::SymInt>() : std::optional<c10::SymInt>(from);
    auto end = (absent & 1) ? std::optional<c10::SymInt>() : std::optional<c10::SymInt>(to);
    indicesAt(handle).emplace_back(Slice(start, end, step));
  }>(n, "torchIndexAppendSlice");
  add<[](int64_t handle, int64_t index) { indicesAt(handle).emplace_back(index); }>(n, "torchIndexAppendFixed");
  add<[](int64_t handle, const Tensor& index) { indicesAt(handle).emplace_back(index); }>(n, "torchIndexAppendArray");
  add<[](const Tensor& t, int64_t indices) -> Tensor { return t.index(indicesAt(indices)); }>(n, "torchIndexAdvGet");
  add<[](Tensor& t, int64_t indices, const Tensor& value) { t.index_put_(indicesAt(indices), value); }>(n, "torchIndexAdvPut");
}

}  // namespace longhaul
