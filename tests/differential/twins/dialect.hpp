// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What the texts in texts/ use of GLSL, in C++: each text becomes the inside of a struct that
// derives from Invocation. Floats hold small multiples of powers of two, so that no order of
// operations and no fused operation rounds.
#ifndef SOKR_TESTS_DIFFERENTIAL_TWINS_DIALECT_HPP_
#define SOKR_TESTS_DIFFERENTIAL_TWINS_DIALECT_HPP_

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <span>

namespace sokr::differential::twins {

using uint = std::uint32_t;
using std::int16_t;
using std::int64_t;
using std::int8_t;
using std::uint16_t;
using std::uint64_t;
using std::uint8_t;

// Shared memory of a workgroup, in words.
inline constexpr uint kSharedWords = 256;
#define INOUT(type, name) type& name

// ---- Vectors --------------------------------------------------------------------------------

template <class T, int N>
struct Members;
template <class T>
struct Members<T, 2> {
  T x{}, y{};
  static constexpr T Members::* kAll[] = {&Members::x, &Members::y};
};
template <class T>
struct Members<T, 3> {
  T x{}, y{}, z{};
  static constexpr T Members::* kAll[] = {&Members::x, &Members::y, &Members::z};
};
template <class T>
struct Members<T, 4> {
  T x{}, y{}, z{}, w{};
  static constexpr T Members::* kAll[] = {&Members::x, &Members::y, &Members::z, &Members::w};
};

template <class T, int N>
struct Vector : Members<T, N> {
  Vector() = default;
  explicit Vector(T all) {
    for (int i = 0; i < N; ++i) (*this)[i] = all;
  }
  template <class... Parts>
    requires(sizeof...(Parts) == N)
  Vector(Parts... parts) : Members<T, N>{static_cast<T>(parts)...} {}
  template <class U>
  explicit Vector(const Vector<U, N>& other) {
    for (int i = 0; i < N; ++i) (*this)[i] = static_cast<T>(other[i]);
  }
  template <class Index>
  T& operator[](Index i) {
    return this->*Members<T, N>::kAll[i];
  }
  template <class Index>
  const T& operator[](Index i) const {
    return this->*Members<T, N>::kAll[i];
  }
};

#define SOKR_VECTOR_OPERATOR(op)                                           \
  template <class T, int N>                                                \
  Vector<T, N> operator op(const Vector<T, N>& a, const Vector<T, N>& b) { \
    Vector<T, N> r;                                                        \
    for (int i = 0; i < N; ++i) r[i] = a[i] op b[i];                       \
    return r;                                                              \
  }                                                                        \
  template <class T, int N>                                                \
  Vector<T, N> operator op(const Vector<T, N>& a, T b) {                   \
    return a op Vector<T, N>(b);                                           \
  }                                                                        \
  template <class T, int N>                                                \
  Vector<T, N>& operator op##=(Vector<T, N>& a, const Vector<T, N>& b) {   \
    return a = a op b;                                                     \
  }
SOKR_VECTOR_OPERATOR(+)
SOKR_VECTOR_OPERATOR(-)
SOKR_VECTOR_OPERATOR(*)
SOKR_VECTOR_OPERATOR(/)
#undef SOKR_VECTOR_OPERATOR
#define SOKR_VECTOR_OPERATOR(op)                                                    \
  template <int N>                                                                  \
  Vector<uint, N> operator op(const Vector<uint, N>& a, const Vector<uint, N>& b) { \
    Vector<uint, N> r;                                                              \
    for (int i = 0; i < N; ++i) r[i] = a[i] op b[i];                                \
    return r;                                                                       \
  }
SOKR_VECTOR_OPERATOR(&)
SOKR_VECTOR_OPERATOR(|)
SOKR_VECTOR_OPERATOR(^)
SOKR_VECTOR_OPERATOR(<<)
SOKR_VECTOR_OPERATOR(>>)
#undef SOKR_VECTOR_OPERATOR

using vec2 = Vector<float, 2>;
using vec3 = Vector<float, 3>;
using vec4 = Vector<float, 4>;
using ivec2 = Vector<int, 2>;
using ivec3 = Vector<int, 3>;
using ivec4 = Vector<int, 4>;
using uvec2 = Vector<uint, 2>;
using uvec3 = Vector<uint, 3>;
using uvec4 = Vector<uint, 4>;
using bvec4 = Vector<bool, 4>;

// ---- One invocation -------------------------------------------------------------------------

// Words of the active invocations of a subgroup, in their order from 0.
using Lanes = std::span<const uint>;

struct Invocation {
  const uint *A = nullptr, *B = nullptr;  // a word for each invocation of the launch, and more
  uint* R = nullptr;                      // the results
  uint* S = nullptr;                      // the workgroup's
  // As in the text: of the launch, of the workgroup, of the subgroup.
  uint index = 0, count = 0, group = 0, groups = 0, local = 0, width = 0, lane = 0, lanes = 0;
  uint x = 0;  // what EXCHANGE takes and gives

  template <class T>
  static T min(T a, T b) {
    return b < a ? b : a;
  }
  template <class T>
  static T max(T a, T b) {
    return a < b ? b : a;
  }
  template <class T, int N>
  static Vector<T, N> min(const Vector<T, N>& a, const Vector<T, N>& b) {
    Vector<T, N> r;
    for (int i = 0; i < N; ++i) r[i] = min(a[i], b[i]);
    return r;
  }
  template <class T, int N>
  static Vector<T, N> max(const Vector<T, N>& a, const Vector<T, N>& b) {
    Vector<T, N> r;
    for (int i = 0; i < N; ++i) r[i] = max(a[i], b[i]);
    return r;
  }
  template <class T>
  static T clamp(T a, T low, T high) {
    return min(max(a, low), high);
  }
  template <class T>
  static T abs(T a) {
    return a < T(0) ? -a : a;
  }
  template <class T, int N>
  static Vector<T, N> abs(const Vector<T, N>& a) {
    Vector<T, N> r;
    for (int i = 0; i < N; ++i) r[i] = abs(a[i]);
    return r;
  }
  template <class T>
  static T sign(T a) {
    return a < T(0) ? T(-1) : a > T(0) ? T(1) : T(0);
  }
  static float mix(float a, float b, float t) { return a * (1 - t) + b * t; }
  static float step(float edge, float a) { return a < edge ? 0.0f : 1.0f; }
  static float floor(float a) { return std::floor(a); }
  static double floor(double a) { return std::floor(a); }
  static float ceil(float a) { return std::ceil(a); }
  static float trunc(float a) { return std::trunc(a); }
  static float fract(float a) { return a - std::floor(a); }
  static float mod(float a, float b) { return a - b * std::floor(a / b); }
  static float roundEven(float a) { return std::nearbyint(a); }
  static float ldexp(float a, int n) { return std::ldexp(a, n); }
  template <class T, int N>
  static T dot(const Vector<T, N>& a, const Vector<T, N>& b) {
    T sum{};
    for (int i = 0; i < N; ++i) sum += a[i] * b[i];
    return sum;
  }
  static vec3 cross(const vec3& a, const vec3& b) {
    return vec3(a.y * b.z - b.y * a.z, a.z * b.x - b.z * a.x, a.x * b.y - b.x * a.y);
  }
  template <class T>
  static bvec4 lessThan(const Vector<T, 4>& a, const Vector<T, 4>& b) {
    return bvec4(a.x < b.x, a.y < b.y, a.z < b.z, a.w < b.w);
  }
  template <class T>
  static bvec4 equal(const Vector<T, 4>& a, const Vector<T, 4>& b) {
    return bvec4(a.x == b.x, a.y == b.y, a.z == b.z, a.w == b.w);
  }
  static bool any(const bvec4& a) { return a.x || a.y || a.z || a.w; }
  static bool all(const bvec4& a) { return a.x && a.y && a.z && a.w; }

  static uint floatBitsToUint(float a) { return std::bit_cast<uint>(a); }
  static float uintBitsToFloat(uint a) { return std::bit_cast<float>(a); }
  static int bitCount(uint a) { return std::popcount(a); }
  static int findLSB(uint a) { return a == 0 ? -1 : std::countr_zero(a); }
  static int findMSB(uint a) { return 31 - std::countl_zero(a); }
  static uint bitfieldReverse(uint a) {
    uint r = 0;
    for (int i = 0; i < 32; ++i) r |= (a >> i & 1) << (31 - i);
    return r;
  }
  static uint bitfieldExtract(uint a, int offset, int bits) {
    return bits == 0 ? 0 : a << (32 - bits - offset) >> (32 - bits);
  }
  static int bitfieldExtract(int a, int offset, int bits) {
    return bits == 0
               ? 0
               : static_cast<int>(static_cast<uint>(a) << (32 - bits - offset)) >> (32 - bits);
  }
  static uint bitfieldInsert(uint base, uint insert, int offset, int bits) {
    const uint mask = bits == 0 ? 0 : ~0u >> (32 - bits) << offset;
    return (base & ~mask) | (insert << offset & mask);
  }
  static uint uaddCarry(uint a, uint b, uint& carry) {
    carry = a + b < a ? 1 : 0;
    return a + b;
  }
  static uint usubBorrow(uint a, uint b, uint& borrow) {
    borrow = a < b ? 1 : 0;
    return a - b;
  }
  static void umulExtended(uint a, uint b, uint& high, uint& low) {
    const uint64_t product = uint64_t{a} * b;
    high = static_cast<uint>(product >> 32);
    low = static_cast<uint>(product);
  }

  // Whose results nobody looks at: the order of the invocations is not defined.
  static void atomicAdd(uint& at, uint value) { at += value; }
  static void atomicMin(uint& at, uint value) { at = min(at, value); }
  static void atomicMax(uint& at, uint value) { at = max(at, value); }
  static void atomicAnd(uint& at, uint value) { at &= value; }
  static void atomicOr(uint& at, uint value) { at |= value; }
  static void atomicXor(uint& at, uint value) { at ^= value; }

  // Of a whole subgroup; what has no source is 0 here, and nothing a text may look at.
  template <class Combine>
  static uint fold(Lanes v, std::size_t end, uint start, Combine combine) {
    for (std::size_t i = 0; i < end; ++i) start = combine(start, v[i]);
    return start;
  }
  static uint plus(uint a, uint b) { return a + b; }
  uint subgroupAdd(Lanes v) const { return fold(v, v.size(), 0, plus); }
  uint subgroupInclusiveAdd(Lanes v) const { return fold(v, lane + 1, 0, plus); }
  uint subgroupExclusiveAdd(Lanes v) const { return fold(v, lane, 0, plus); }
  uint subgroupMin(Lanes v) const {
    return fold(v, v.size(), ~0u, [](uint a, uint b) { return min(a, b); });
  }
  uint subgroupMax(Lanes v) const {
    return fold(v, v.size(), 0, [](uint a, uint b) { return max(a, b); });
  }
  uint subgroupInclusiveMax(Lanes v) const {
    return fold(v, lane + 1, 0, [](uint a, uint b) { return max(a, b); });
  }
  uint subgroupAnd(Lanes v) const {
    return fold(v, v.size(), ~0u, [](uint a, uint b) { return a & b; });
  }
  uint subgroupOr(Lanes v) const {
    return fold(v, v.size(), 0, [](uint a, uint b) { return a | b; });
  }
  uint subgroupXor(Lanes v) const {
    return fold(v, v.size(), 0, [](uint a, uint b) { return a ^ b; });
  }
  uint subgroupInclusiveXor(Lanes v) const {
    return fold(v, lane + 1, 0, [](uint a, uint b) { return a ^ b; });
  }
  uint subgroupInclusiveMul(Lanes v) const {
    return fold(v, lane + 1, 1, [](uint a, uint b) { return a * b; });
  }
  static uint subgroupBroadcastFirst(Lanes v) { return v[0]; }
  static uint subgroupShuffle(Lanes v, uint from) { return from < v.size() ? v[from] : 0; }
  uint subgroupShuffleUp(Lanes v, uint by) const { return lane < by ? 0 : v[lane - by]; }
  uint subgroupShuffleDown(Lanes v, uint by) const {
    return lane + by < v.size() ? v[lane + by] : 0;
  }
  static uint ballot_count(Lanes v) {
    return fold(v, v.size(), 0, [](uint n, uint a) { return n + (a != 0 ? 1 : 0); });
  }
  uint ballot_before(Lanes v) const {
    return fold(v, lane, 0, [](uint n, uint a) { return n + (a != 0 ? 1 : 0); });
  }
  static uint ballot_lowest(Lanes v) {
    for (uint i = 0; i < v.size(); ++i)
      if (v[i] != 0) return i;
    return ~0u;
  }
  static uint all_equal(Lanes v) {
    for (const uint a : v)
      if (a != v[0]) return 0;
    return 1;
  }
};

}  // namespace sokr::differential::twins

#endif  // SOKR_TESTS_DIFFERENTIAL_TWINS_DIALECT_HPP_
