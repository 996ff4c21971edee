#include "quic/congestion_control/CongestionController.h"

#include "quic/congestion_control/Cubic.h"
#include "quic/congestion_control/NewReno.h"

namespace quic {

std::unique_ptr<CongestionController> makeCongestionController(CongestionControlType type, size_t maxDatagramSize,
                                                               [[maybe_unused]] uint64_t seed) {
  switch (type) {
    case CongestionControlType::NewReno: return std::make_unique<NewReno>(maxDatagramSize);
    case CongestionControlType::Cubic:
    case CongestionControlType::Bbr:
    case CongestionControlType::Copa: return std::make_unique<Cubic>(maxDatagramSize);
  }
  return nullptr;
}

}  // namespace quic
