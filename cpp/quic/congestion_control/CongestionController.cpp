#include "quic/congestion_control/CongestionController.h"

#include "quic/congestion_control/NewReno.h"

namespace quic {

std::unique_ptr<CongestionController> makeCongestionController(CongestionControlType type, size_t maxDatagramSize) {
  switch (type) {
    case CongestionControlType::Cubic:
    case CongestionControlType::NewReno:
    case CongestionControlType::Bbr:
    case CongestionControlType::Copa: return std::make_unique<NewReno>(maxDatagramSize);
  }
  return nullptr;
}

}  // namespace quic
