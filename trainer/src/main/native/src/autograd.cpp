// Automatic differentiation and the layers that DJL blocks are made of.
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/function.h>

#include "bridge.h"

namespace longhaul {

void addAutograd(Natives& n) {
  add<[]() -> bool { return at::GradMode::is_enabled(); }>(n, "torchIsGradMode");
  add<[](bool on) { at::GradMode::set_enabled(on); }>(n, "torchSetGradMode");
  add<[](const Tensor& t) -> bool { return t.requires_grad(); }>(n, "torchRequiresGrad");
  add<[](Tensor& t, bool on) { t.requires_grad_(on); }>(n, "torchAttachGrad");
  add<[](const Tensor& t) -> int64_t { return t.grad().defined() ? newHandle(t.grad()) : 0; }>(n, "torchGrad");
  add<[](const Tensor& t) -> Tensor { return t.detach(); }>(n, "torchDetachGrad");
  add<[](const Tensor& t) -> std::string { return t.grad_fn() ? t.grad_fn()->name() : std::string(); }>(n, "torchGradFnName");
  add<[](const Tensor& t, const Tensor& gradient, bool keep, bool create) { t.backward(gradient, keep, create); }>(n, "torchBackward");
  add<[](Tensor& t) {
    if (t.grad().defined()) {
      t.mutable_grad().detach_().zero_();
    }
  }>(n, "zeroGrad");

  add<[](const Tensor& x, const Tensor& w, MaybeTensor bias) -> Tensor { return at::linear(x, w, bias); }>(n, "torchNNLinear");
  add<[](const Tensor& ids, const Tensor& w, bool sparse) -> Tensor { return at::embedding(w, ids, -1, false, sparse); }>(
      n, "torchNNEmbedding");
  add<[](const Tensor& x) -> Tensor { return at::relu(x); }>(n, "torchNNRelu");
  add<[](const Tensor& x) -> Tensor { return at::softplus(x); }>(n, "torchNNSoftPlus");
  add<[](const Tensor& x) -> Tensor { return x / (x.abs() + 1); }>(n, "torchNNSoftSign");
  add<[](const Tensor& x, double slope) -> Tensor { return at::leaky_relu(x, slope); }>(n, "torchNNLeakyRelu");
  add<[](const Tensor& x, double alpha) -> Tensor { return at::elu(x, alpha); }>(n, "torchNNElu");
  add<[](const Tensor& x) -> Tensor { return at::selu(x); }>(n, "torchNNSelu");
  add<[](const Tensor& x) -> Tensor { return at::gelu(x); }>(n, "torchNNGelu");
  add<[](const Tensor& x, double probability, bool training) -> Tensor { return at::dropout(x, probability, training); }>(
      n, "torchNNDropout");
  add<[](const Tensor& x, Longs shape, MaybeTensor w, MaybeTensor b, double eps) -> Tensor {
    return at::layer_norm(x, shape, w, b, eps);
  }>(n, "torchNNLayerNorm");
  add<[](const Tensor& x, int depth) -> Tensor { return at::one_hot(x, depth); }>(n, "torchNNOneHot");
  add<[](const Tensor& x, double p, int64_t dim, double eps) -> Tensor {
    return x / x.norm(p, dim, /*keepdim=*/true).clamp_min(eps).expand_as(x);
  }>(n, "torchNNNormalize");
}

}  // namespace longhaul
