// Arithmetic, reductions, shapes.
#include "bridge.h"

namespace longhaul {

namespace {

void addElementwise(Natives& n) {
  add<[](const Tensor& a, const Tensor& b) -> Tensor { return at::add(a, b); }>(n, "torchAdd");
  add<[](Tensor& a, const Tensor& b) { a.add_(b); }>(n, "torchAddi");
  add<[](const Tensor& a, const Tensor& b) -> Tensor { return at::sub(a, b); }>(n, "torchSub");
  add<[](Tensor& a, const Tensor& b) { a.sub_(b); }>(n, "torchSubi");
  add<[](const Tensor& a, const Tensor& b) -> Tensor { return at::mul(a, b); }>(n, "torchMul");
  add<[](Tensor& a, const Tensor& b) { a.mul_(b); }>(n, "torchMuli");
  add<[](const Tensor& a, const Tensor& b) -> Tensor { return at::div(a, b); }>(n, "torchTrueDivide");
  add<[](Tensor& a, const Tensor& b) { a.div_(b); }>(n, "torchTrueDividei");
  add<[](const Tensor& a, const Tensor& b) -> Tensor { return at::remainder(a, b); }>(n, "torchRemainder");
  add<[](Tensor& a, const Tensor& b) { a.remainder_(b); }>(n, "torchRemainderi");
  add<[](const Tensor& a, const Tensor& b) -> Tensor { return at::pow(a, b); }>(n, "torchPow");
  add<[](Tensor& a, const Tensor& b) { a.pow_(b); }>(n, "torchPowi");
  add<[](const Tensor& a, const Tensor& b) -> Tensor { return at::maximum(a, b); }>(n, "torchMaximum");
  add<[](const Tensor& a, const Tensor& b) -> Tensor { return at::minimum(a, b); }>(n, "torchMinimum");
  add<[](const Tensor& a, const Tensor& b) -> Tensor { return at::atan2(a, b); }>(n, "torchAtan2");
  add<[](const Tensor& a, const Tensor& b) -> Tensor { return at::xlogy(a, b); }>(n, "torchXLogY");
  add<[](const Tensor& a, const Tensor& b) -> Tensor { return at::logical_and(a, b); }>(n, "torchLogicalAnd");
  add<[](const Tensor& a, const Tensor& b) -> Tensor { return at::logical_or(a, b); }>(n, "torchLogicalOr");
  add<[](const Tensor& a, const Tensor& b) -> Tensor { return at::logical_xor(a, b); }>(n, "torchLogicalXor");
  add<[](const Tensor& a, const Tensor& b) -> Tensor { return at::eq(a, b); }>(n, "torchEq");
  add<[](const Tensor& a, const Tensor& b) -> Tensor { return at::ne(a, b); }>(n, "torchNeq");
  add<[](const Tensor& a, const Tensor& b) -> Tensor { return at::gt(a, b); }>(n, "torchGt");
  add<[](const Tensor& a, const Tensor& b) -> Tensor { return at::ge(a, b); }>(n, "torchGte");
  add<[](const Tensor& a, const Tensor& b) -> Tensor { return at::lt(a, b); }>(n, "torchLt");
  add<[](const Tensor& a, const Tensor& b) -> Tensor { return at::le(a, b); }>(n, "torchLte");
  add<[](const Tensor& a, const Tensor& b) -> bool { return at::equal(a, b); }>(n, "contentEqual");
  add<[](const Tensor& condition, const Tensor& a, const Tensor& b) -> Tensor { return at::where(condition, a, b); }>(n, "torchWhere");
  add<[](const Tensor& x, const Tensor& low, const Tensor& high) -> Tensor {
    return at::clamp(x, MaybeTensor(low), MaybeTensor(high));
  }>(n, "torchClamp");

  add<[](const Tensor& x) -> Tensor { return at::logical_not(x); }>(n, "torchLogicalNot");
  add<[](const Tensor& x) -> Tensor { return at::neg(x); }>(n, "torchNeg");
  add<[](Tensor& x) { x.neg_(); }>(n, "torchNegi");
  add<[](const Tensor& x) -> Tensor { return at::sign(x); }>(n, "torchSign");
  add<[](Tensor& x) { x.sign_(); }>(n, "torchSigni");
  add<[](const Tensor& x) -> Tensor { return at::abs(x); }>(n, "torchAbs");
  add<[](const Tensor& x) -> Tensor { return at::square(x); }>(n, "torchSquare");
  add<[](const Tensor& x) -> Tensor { return at::floor(x); }>(n, "torchFloor");
  add<[](const Tensor& x) -> Tensor { return at::ceil(x); }>(n, "torchCeil");
  add<[](const Tensor& x) -> Tensor { return at::round(x); }>(n, "torchRound");
  add<[](const Tensor& x) -> Tensor { return at::trunc(x); }>(n, "torchTrunc");
  add<[](const Tensor& x) -> Tensor { return at::exp(x); }>(n, "torchExp");
  add<[](const Tensor& x) -> Tensor { return at::lgamma(x); }>(n, "torchLgamma");
  add<[](const Tensor& x) -> Tensor { return at::log(x); }>(n, "torchLog");
  add<[](const Tensor& x) -> Tensor { return at::log10(x); }>(n, "torchLog10");
  add<[](const Tensor& x) -> Tensor { return at::log2(x); }>(n, "torchLog2");
  add<[](const Tensor& x) -> Tensor { return at::sin(x); }>(n, "torchSin");
  add<[](const Tensor& x) -> Tensor { return at::cos(x); }>(n, "torchCos");
  add<[](const Tensor& x) -> Tensor { return at::tan(x); }>(n, "torchTan");
  add<[](const Tensor& x) -> Tensor { return at::asin(x); }>(n, "torchASin");
  add<[](const Tensor& x) -> Tensor { return at::acos(x); }>(n, "torchAcos");
  add<[](const Tensor& x) -> Tensor { return at::atan(x); }>(n, "torchAtan");
  add<[](const Tensor& x) -> Tensor { return at::sqrt(x); }>(n, "torchSqrt");
  add<[](const Tensor& x) -> Tensor { return at::sinh(x); }>(n, "torchSinh");
  add<[](const Tensor& x) -> Tensor { return at::cosh(x); }>(n, "torchCosh");
  add<[](const Tensor& x) -> Tensor { return at::tanh(x); }>(n, "torchTanh");
  add<[](const Tensor& x) -> Tensor { return at::sigmoid(x); }>(n, "torchSigmoid");
  add<[](const Tensor& x) -> Tensor { return at::erf(x); }>(n, "torchErf");
  add<[](const Tensor& x) -> Tensor { return at::erfinv(x); }>(n, "torchErfinv");
  add<[](const Tensor& x) -> Tensor { return at::isnan(x); }>(n, "torchIsNaN");
  add<[](const Tensor& x) -> Tensor { return at::isinf(x); }>(n, "torchIsInf");
}

void addReductions(Natives& n) {
  add<[](const Tensor& x) -> Tensor { return at::sum(x); }>(n, "torchSum");
  add<[](const Tensor& x, Longs dims, bool keep) -> Tensor { return at::sum(x, dims, keep); }>(n, "torchSum");
  add<[](const Tensor& x) -> Tensor { return at::mean(x); }>(n, "torchMean");
  add<[](const Tensor& x, int64_t dim, bool keep) -> Tensor { return at::mean(x, dim, keep); }>(n, "torchMean");
  add<[](const Tensor& x) -> Tensor { return at::max(x); }>(n, "torchMax");
  add<[](const Tensor& x, int64_t dim, bool keep) -> Tensor { return std::get<0>(at::max(x, dim, keep)); }>(n, "torchMax");
  add<[](const Tensor& x) -> Tensor { return at::min(x); }>(n, "torchMin");
  add<[](const Tensor& x, int64_t dim, bool keep) -> Tensor { return std::get<0>(at::min(x, dim, keep)); }>(n, "torchMin");
  add<[](const Tensor& x) -> Tensor { return at::prod(x); }>(n, "torchProd");
  add<[](const Tensor& x, int64_t dim, bool keep) -> Tensor { return at::prod(x, dim, keep); }>(n, "torchProd");
  add<[](const Tensor& x) -> Tensor { return at::argmax(x); }>(n, "torchArgMax");
  add<[](const Tensor& x, int64_t dim, bool keep) -> Tensor { return at::argmax(x, dim, keep); }>(n, "torchArgMax");
  add<[](const Tensor& x) -> Tensor { return at::argmin(x); }>(n, "torchArgMin");
  add<[](const Tensor& x, int64_t dim, bool keep) -> Tensor { return at::argmin(x, dim, keep); }>(n, "torchArgMin");
  add<[](const Tensor& x) -> Tensor { return at::all(x); }>(n, "torchAll");
  add<[](const Tensor& x) -> Tensor { return at::any(x); }>(n, "torchAny");
  add<[](const Tensor& x) -> Tensor { return at::logical_not(at::any(x)); }>(n, "torchNone");
  add<[](const Tensor& x, int order, Longs dims, bool keep) -> Tensor { return at::norm(x, order, dims, keep); }>(n, "torchNorm");
  add<[](const Tensor& x, int64_t dim) -> Tensor { return at::cumsum(x, dim); }>(n, "torchCumSum");
  add<[](const Tensor& x, int64_t dim, int dtype) -> Tensor { return at::cumprod(x, dim, scalarType(dtype)); }>(n, "torchCumProd");
  add<[](const Tensor& x, int64_t dim, int dtype) -> Tensor { return at::softmax(x, dim, scalarType(dtype)); }>(n, "torchSoftmax");
  add<[](const Tensor& x, int64_t dim, int dtype) -> Tensor { return at::log_softmax(x, dim, scalarType(dtype)); }>(n, "torchLogSoftmax");
  add<[](const Tensor& x, int64_t k, int64_t dim, bool largest, bool sorted) -> Tensors {
    auto [values, indices] = at::topk(x, k, dim, largest, sorted);
    return {values, indices};
  }>(n, "torchTopK");
  add<[](const Tensor& x, int64_t dim, bool descending) -> Tensor { return at::argsort(x, dim, descending); }>(n, "torchArgSort");
  add<[](const Tensor& x, int64_t dim, bool descending) -> Tensor { return std::get<0>(at::sort(x, dim, descending)); }>(n, "torchSort");
  add<[](const Tensor& x, int64_t dim, bool keep) -> Tensors {
    auto [values, indices] = at::median(x, dim, keep);
    return {values, indices};
  }>(n, "torchMedian");
  add<[](const Tensor& x) -> Tensor { return at::nonzero(x); }>(n, "torchNonZeros");
}

void addShapes(Natives& n) {
  add<[](const Tensor& a, const Tensor& b) -> Tensor { return at::matmul(a, b); }>(n, "torchMatmul");
  add<[](const Tensor& a, const Tensor& b) -> Tensor { return at::bmm(a, b); }>(n, "torchBmm");
  add<[](const Tensor& a, const Tensor& b) -> Tensor { return at::dot(a, b); }>(n, "torchDot");
  add<[](const Tensor& x, Longs shape) -> Tensor { return x.reshape(shape); }>(n, "torchReshape");
  add<[](const Tensor& x, Longs shape) -> Tensor { return x.expand(shape); }>(n, "torchExpand");
  add<[](const Tensor& x, Longs dims) -> Tensor { return x.permute(dims); }>(n, "torchPermute");
  add<[](const Tensor& x, Longs dims) -> Tensor { return x.flip(dims); }>(n, "torchFlip");
  add<[](const Tensor& x, int64_t a, int64_t b) -> Tensor { return x.transpose(a, b); }>(n, "torchTranspose");
  add<[](const Tensor& x, int64_t from, int64_t to) -> Tensor { return x.flatten(from, to); }>(n, "torchFlatten");
  add<[](const Tensor& x, int64_t dim) -> Tensor { return x.unsqueeze(dim); }>(n, "torchUnsqueeze");
  add<[](const Tensor& x) -> Tensor { return x.squeeze(); }>(n, "torchSqueeze");
  add<[](const Tensor& x, int64_t dim) -> Tensor { return x.squeeze(dim); }>(n, "torchSqueeze");
  add<[](Tensors parts, int64_t dim) -> Tensor { return at::stack(parts, dim); }>(n, "torchStack");
  add<[](Tensors parts, int64_t dim) -> Tensor { return at::cat(parts, dim); }>(n, "torchCat");
  add<[](const Tensor& x, Longs repeats) -> Tensor { return x.repeat(repeats); }>(n, "torchRepeat");
  add<[](const Tensor& x, int64_t repeats, int64_t dim) -> Tensor { return x.repeat_interleave(repeats, dim); }>(
      n, "torchRepeatInterleave");
  add<[](const Tensor& x, int64_t size, int64_t dim) -> Tensors { return x.split(size, dim); }>(n, "torchSplit");
  add<[](const Tensor& x, Longs sizes, int64_t dim) -> Tensors { return x.split_with_sizes(sizes, dim); }>(n, "torchSplit");
  add<[](const Tensor& x, Longs padding, double value) -> Tensor { return at::constant_pad_nd(x, padding, value); }>(n, "torchPad");
  add<[](const Tensor& x, int64_t offset, int64_t a, int64_t b) -> Tensor { return x.diagonal(offset, a, b); }>(n, "torchDiagonal");
  add<[](const Tensor& x, int times, int dim) -> Tensor { return at::diff(x, times, dim); }>(n, "torchDiff");
  add<[](const Tensor& x, const Tensor& index, int64_t dim, bool sparse) -> Tensor { return at::gather(x, dim, index, sparse); }>(
      n, "torchGather");
  add<[](const Tensor& x, const Tensor& index) -> Tensor { return at::take(x, index); }>(n, "torchTake");
  add<[](Tensor& x, const Tensor& index, const Tensor& value) -> Tensor { return x.put_(index, value); }>(n, "torchPut");
  add<[](const Tensor& x, const Tensor& index, const Tensor& value, int dim) -> Tensor { return at::scatter(x, dim, index, value); }>(
      n, "torchScatter");
  add<[](const Tensor& x, const Tensor& mask) -> Tensor { return at::masked_select(x, mask); }>(n, "torchMaskedSelect");
  add<[](Tensor& x, const Tensor& value, const Tensor& mask) { x.index_put_({mask}, value); }>(n, "torchMaskedPut");
  add<[](const Tensor& x) -> Tensor { return at::inverse(x); }>(n, "torchInverse");
}

}  // namespace

void addMath(Natives& n) {
  addElementwise(n);
  addReductions(n);
  addShapes(n);
}

}  // namespace longhaul
