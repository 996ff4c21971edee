// Expected<T, E>: a value or an error. What std::expected will be; GCC 12 lacks it.
// It never throws: reading the value of a failed Expected is a bug of the caller.
#pragma once

#include <utility>
#include <variant>

namespace quic {

template <class E>
struct Unexpected {
  E error;
};
template <class E>
Unexpected(E) -> Unexpected<E>;

/// The value of a function that succeeds with nothing to say.
struct Unit {
  bool operator==(const Unit&) const = default;
};

template <class T, class E>
class [[nodiscard]] Expected {
 public:
  Expected(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Expected(Unexpected<E> unexpected) : state_(std::in_place_index<1>, std::move(unexpected.error)) {}

  [[nodiscard]] bool hasValue() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return hasValue(); }

  T& operator*() & { return *std::get_if<0>(&state_); }
  const T& operator*() const& { return *std::get_if<0>(&state_); }
  T&& operator*() && { return std::move(*std::get_if<0>(&state_)); }
  T* operator->() { return std::get_if<0>(&state_); }
  const T* operator->() const { return std::get_if<0>(&state_); }
  [[nodiscard]] const E& error() const& { return *std::get_if<1>(&state_); }

 private:
  std::variant<T, E> state_;
};

}  // namespace quic
