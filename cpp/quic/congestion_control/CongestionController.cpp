#include "quic/congestion_control/CongestionController.h"

#include "quic/congestion_control/Bbr.h"
#include "quic/congestion_control/Copa.h"
#include "quic/congestion_control/Cubic.h"
#include "quic/congestion_control/NewReno.h"

namespace quic {

std::unique_ptr<CongestionController> makeCongestionController(CongestionControlType type, size_t maxDatagramSize,
                                                               uint64_t seed) {
  switch (type) {
    case CongestionControlType::NewReno: return std::make_unique<NewReno>(maxDatagramSize);
    case CongestionControlType::Cubic: return std::make_unique<Cubic>(maxDatagramSize);
    case CongestionControlType::Bbr: return std::make_unique<Bbr>(maxDatagramSize, seed);
    case CongestionControlType::Copa: return std::make_unique<Copa>(maxDatagramSize);
  }
  return nullptr;
}

}  // namespace quic
