/** The one door to native code: libtorch's C ABI, the CUDA driver, NVRTC, cuBLASLt, NCCL. Every status is checked here. */
package org.longhaul.natives;
