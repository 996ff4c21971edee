// One callable of several: the arms of a std::visit, written where they are used.
#pragma once

namespace quic {

template <class... Arms>
struct Overloaded : Arms... {
  using Arms::operator()...;
};
template <class... Arms>
Overloaded(Arms...) -> Overloaded<Arms...>;

}  // namespace quic
