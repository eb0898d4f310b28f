// How C++ functions on tensors become natives of ai.djl.pytorch.jni.PyTorchLibrary: argument and result types decide the JNI
// signature and the conversions, so that an entry of a table is a name and a lambda.
#pragma once

#include <ATen/ATen.h>
#include <jni.h>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace longhaul {

using at::Tensor;
using Longs = std::vector<int64_t>;

// An array of {device type, device index}.
struct Device {
  c10::Device device;
};
// A tensor argument that may be absent (handle 0).
using MaybeTensor = std::optional<Tensor>;
// Tensor arguments as an array of handles.
using Tensors = std::vector<Tensor>;
// A direct byte buffer.
struct Buffer {
  void* data;
  int64_t size;
};
// A tensor's memory as a byte array (a copy) or as a direct byte buffer (the memory itself).
struct BytesOf {
  Tensor tensor;
};
struct MemoryOf {
  Tensor tensor;
};

void throwJava(JNIEnv* env, const char* message);

// Thrown when a Java exception is already pending.
struct JavaPending {};

template <class F>
auto guarded(JNIEnv* env, F&& body) -> decltype(body()) {
  try {
    return body();
  } catch (const JavaPending&) {
  } catch (const c10::Error& e) {
    throwJava(env, e.what_without_backtrace());
  } catch (const std::exception& e) {
    throwJava(env, e.what());
  } catch (...) {
    throwJava(env, "unknown C++ exception in libtorch");
  }
  return decltype(body())();
}

inline Tensor& tensorAt(jlong handle) {
  if (handle == 0) {
    throw std::invalid_argument("a tensor was used after it was closed");
  }
  return *reinterpret_cast<Tensor*>(handle);
}

inline jlong newHandle(Tensor tensor) {
  return reinterpret_cast<jlong>(new Tensor(std::move(tensor)));
}

template <class T>
struct Jni;

template <class T, class J>
struct Plain {
  using type = J;
  static T in(JNIEnv*, J value) { return static_cast<T>(value); }
  static J out(JNIEnv*, T value) { return static_cast<J>(value); }
};
template <>
struct Jni<int64_t> : Plain<int64_t, jlong> {
  static constexpr const char* signature = "J";
};
template <>
struct Jni<int> : Plain<int, jint> {
  static constexpr const char* signature = "I";
};
template <>
struct Jni<double> : Plain<double, jdouble> {
  static constexpr const char* signature = "D";
};
template <>
struct Jni<float> : Plain<float, jfloat> {
  static constexpr const char* signature = "F";
};
template <>
struct Jni<bool> : Plain<bool, jboolean> {
  static constexpr const char* signature = "Z";
};
template <>
struct Jni<void> {
  using type = void;
  static constexpr const char* signature = "V";
};

template <>
struct Jni<Tensor&> {
  using type = jlong;
  static constexpr const char* signature = "J";
  static Tensor& in(JNIEnv*, jlong handle) { return tensorAt(handle); }
};
template <>
struct Jni<const Tensor&> : Jni<Tensor&> {};
template <>
struct Jni<Tensor> {
  using type = jlong;
  static constexpr const char* signature = "J";
  static jlong out(JNIEnv*, Tensor value) { return newHandle(std::move(value)); }
};
template <>
struct Jni<MaybeTensor> {
  using type = jlong;
  static constexpr const char* signature = "J";
  static MaybeTensor in(JNIEnv*, jlong handle) {
    return handle == 0 ? MaybeTensor() : MaybeTensor(tensorAt(handle));
  }
};

template <>
struct Jni<Longs> {
  using type = jlongArray;
  static constexpr const char* signature = "[J";
  static Longs in(JNIEnv* env, jlongArray array) {
    if (array == nullptr) {
      throw std::invalid_argument("an array of numbers is null");
    }
    Longs values(static_cast<size_t>(env->GetArrayLength(array)));
    static_assert(sizeof(jlong) == sizeof(int64_t));
    env->GetLongArrayRegion(array, 0, static_cast<jsize>(values.size()), reinterpret_cast<jlong*>(values.data()));
    return values;
  }
  static jlongArray out(JNIEnv* env, const Longs& values) {
    jlongArray array = env->NewLongArray(static_cast<jsize>(values.size()));
    if (array == nullptr) {
      throw JavaPending();
    }
    env->SetLongArrayRegion(array, 0, static_cast<jsize>(values.size()), reinterpret_cast<const jlong*>(values.data()));
    return array;
  }
};
template <>
struct Jni<Tensors> {
  using type = jlongArray;
  static constexpr const char* signature = "[J";
  static Tensors in(JNIEnv* env, jlongArray array) {
    Tensors tensors;
    for (int64_t handle : Jni<Longs>::in(env, array)) {
      tensors.push_back(tensorAt(handle));
    }
    return tensors;
  }
  static jlongArray out(JNIEnv* env, const Tensors& tensors) {
    Longs handles;
    for (const Tensor& tensor : tensors) {
      handles.push_back(newHandle(tensor));
    }
    return Jni<Longs>::out(env, handles);
  }
};
template <>
struct Jni<Device> {
  using type = jintArray;
  static constexpr const char* signature = "[I";
  static Device in(JNIEnv* env, jintArray array) {
    jint pair[2];
    env->GetIntArrayRegion(array, 0, 2, pair);
    auto type = static_cast<c10::DeviceType>(pair[0]);
    return {c10::Device(type, static_cast<c10::DeviceIndex>(type == c10::DeviceType::CPU ? -1 : pair[1]))};
  }
  static jintArray out(JNIEnv* env, Device value) {
    jint pair[2] = {static_cast<jint>(value.device.type()), value.device.index()};
    jintArray array = env->NewIntArray(2);
    if (array == nullptr) {
      throw JavaPending();
    }
    env->SetIntArrayRegion(array, 0, 2, pair);
    return array;
  }
};
template <>
struct Jni<Buffer> {
  using type = jobject;
  static constexpr const char* signature = "Ljava/nio/ByteBuffer;";
  static Buffer in(JNIEnv* env, jobject buffer) {
    void* data = buffer == nullptr ? nullptr : env->GetDirectBufferAddress(buffer);
    if (data == nullptr) {
      throw std::invalid_argument("the byte buffer is not direct");
    }
    return {data, env->GetDirectBufferCapacity(buffer)};
  }
};
template <>
struct Jni<MemoryOf> {
  using type = jobject;
  static constexpr const char* signature = "Ljava/nio/ByteBuffer;";
  static jobject out(JNIEnv* env, const MemoryOf& m) {
    jobject buffer = env->NewDirectByteBuffer(m.tensor.data_ptr(), static_cast<jlong>(m.tensor.nbytes()));
    if (buffer == nullptr) {
      throw JavaPending();
    }
    return buffer;
  }
};
template <>
struct Jni<BytesOf> {
  using type = jbyteArray;
  static constexpr const char* signature = "[B";
  static jbyteArray out(JNIEnv* env, const BytesOf& b) {
    Tensor host = b.tensor.to(at::kCPU).contiguous();
    auto size = static_cast<jsize>(host.nbytes());
    jbyteArray array = env->NewByteArray(size);
    if (array == nullptr) {
      throw JavaPending();
    }
    env->SetByteArrayRegion(array, 0, size, static_cast<const jbyte*>(host.data_ptr()));
    return array;
  }
};
template <>
struct Jni<std::string> {
  using type = jstring;
  static constexpr const char* signature = "Ljava/lang/String;";
  static jstring out(JNIEnv* env, const std::string& text) { return env->NewStringUTF(text.c_str()); }
};

// A java.util.Set<String> to add to.
struct Names {
  JNIEnv* env;
  jobject set;
  void add(const char* name) const {
    jclass type = env->FindClass("java/util/Set");
    jmethodID method = env->GetMethodID(type, "add", "(Ljava/lang/Object;)Z");
    env->CallBooleanMethod(set, method, env->NewStringUTF(name));
    if (env->ExceptionCheck()) {
      throw JavaPending();
    }
  }
};
template <>
struct Jni<Names> {
  using type = jobject;
  static constexpr const char* signature = "Ljava/util/Set;";
  static Names in(JNIEnv* env, jobject set) { return {env, set}; }
};

// One native: its name in PyTorchLibrary and what it does.
struct Native {
  std::string name;
  std::string signature;
  void* function;
};
using Natives = std::vector<Native>;

template <auto F, class P>
struct Binding;
template <auto F, class R, class... A>
struct Binding<F, R (*)(A...)> {
  static typename Jni<R>::type JNICALL call(JNIEnv* env, jobject, typename Jni<A>::type... arguments) {
    return guarded(env, [&]() -> typename Jni<R>::type {
      if constexpr (std::is_void_v<R>) {
        F(Jni<A>::in(env, arguments)...);
      } else {
        return Jni<R>::out(env, F(Jni<A>::in(env, arguments)...));
      }
    });
  }
  static std::string signature() {
    return (std::string("(") + ... + Jni<A>::signature) + ")" + Jni<R>::signature;
  }
};

template <auto F>
void add(Natives& natives, const char* name) {
  using B = Binding<F, decltype(+F)>;
  natives.push_back({name, B::signature(), reinterpret_cast<void*>(&B::call)});
}

// DJL's DataType by ordinal, and back; bf16 included.
at::ScalarType scalarType(int ordinal);
int ordinalOf(at::ScalarType type);
at::TensorOptions optionsOf(int dtype, int layout, Device device);

void addCreation(Natives& natives);
void addMath(Natives& natives);
void addAutograd(Natives& natives);

}  // namespace longhaul
