#include "bridge.h"

namespace longhaul {

void throwJava(JNIEnv* env, const char* message) {
  if (env->ExceptionCheck()) {
    return;
  }
  jclass type = env->FindClass("ai/djl/engine/EngineException");
  if (type == nullptr) {
    env->ExceptionClear();
    type = env->FindClass("java/lang/IllegalStateException");
  }
  env->ThrowNew(type, message);
}

}  // namespace longhaul

// Natives this DJL does not declare with the expected signature are an error at load time, not a crash at the first call; those
// we do not have surface as UnsatisfiedLinkError naming the method when they are called.
extern "C" JNIEXPORT jint JNICALL JNI_OnLoad(JavaVM* vm, void*) {
  JNIEnv* env = nullptr;
  if (vm->GetEnv(reinterpret_cast<void**>(&env), JNI_VERSION_1_8) != JNI_OK) {
    return JNI_ERR;
  }
  jclass library = env->FindClass("ai/djl/pytorch/jni/PyTorchLibrary");
  if (library == nullptr) {
    return JNI_ERR;
  }
  longhaul::Natives natives;
  longhaul::addCreation(natives);
  longhaul::addMath(natives);
  longhaul::addAutograd(natives);
  for (const longhaul::Native& native : natives) {
    JNINativeMethod method{
        const_cast<char*>(native.name.c_str()), const_cast<char*>(native.signature.c_str()), native.function};
    if (env->RegisterNatives(library, &method, 1) != JNI_OK) {
      return JNI_ERR;
    }
  }
  return JNI_VERSION_1_8;
}
