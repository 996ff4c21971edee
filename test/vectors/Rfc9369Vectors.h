// RFC 9369 Appendix A: sample packet protection of QUIC version 2, as hexadecimal text. Data only. The payloads are those of
// RFC 9001 Appendix A (Rfc9001Vectors.h).
#pragma once

#include <string_view>

namespace quic::test::rfc9369 {

// A.1: keys of the Initial packets; the Destination Connection ID is that of RFC 9001
inline constexpr std::string_view kClientInitialSecret =
    "14ec9d6eb9fd7af83bf5a668bc17a7e283766aade7ecd0891f70f9ff7f4bf47b";
inline constexpr std::string_view kClientInitialKey = "8b1a0bc121284290a29e0971b5cd045d";
inline constexpr std::string_view kClientInitialIv = "91f73e2351d8fa91660e909f";
inline constexpr std::string_view kClientInitialHp = "45b95e15235d6f45a6b19cbcb0294ba9";
inline constexpr std::string_view kServerInitialSecret =
    "0263db1782731bf4588e7e4d93b7463907cb8cd8200b5da55a8bd488eafc37c1";
inline constexpr std::string_view kServerInitialKey = "82db637861d55e1d011f19ea71d5d2a7";
inline constexpr std::string_view kServerInitialIv = "dd13c276499c0249d3310652";
inline constexpr std::string_view kServerInitialHp = "edf6d05c83121201b436e16877593c3a";

// A.2: the client's Initial
inline constexpr std::string_view kClientInitialHeader = "d36b3343cf088394c8f03e5157080000449e00000002";
inline constexpr std::string_view kClientInitialPacket =
    "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485dd04de806071bf03dceebfa162e75d6c96058bdbfb"
    "127cdfcbf903388e99ad049f9a3dd4425ae4d0992cfff18ecf0fdb5a842d09747052f17ac2053d21f57c5d250f2c4f0e0202b70785"
    "b7946e992e58a59ac52dea6774d4f03b55545243cf1a12834e3f249a78d395e0d18f4d766004f1a2674802a747eaa901c3f10cda55"
    "00cb9122faa9f1df66c392079a1b40f0de1c6054196a11cbea40afb6ef5253cd6818f6625efce3b6def6ba7e4b37a40f7732e093da"
    "a7d52190935b8da58976ff3312ae50b187c1433c0f028edcc4c2838b6a9bfc226ca4b4530e7a4ccee1bfa2a3d396ae5a3fb512384b"
    "2fdd851f784a65e03f2c4fbe11a53c7777c023462239dd6f7521a3f6c7d5dd3ec9b3f233773d4b46d23cc375eb198c63301c21801f"
    "6520bcfb7966fc49b393f0061d974a2706df8c4a9449f11d7f3d2dcbb90c6b877045636e7c0c0fe4eb0f697545460c806910d2c355"
    "f1d253bc9d2452aaa549e27a1fac7cf4ed77f322e8fa894b6a83810a34b361901751a6f5eb65a0326e07de7c1216ccce2d0193f958"
    "bb3850a833f7ae432b65bc5a53975c155aa4bcb4f7b2c4e54df16efaf6ddea94e2c50b4cd1dfe06017e0e9d02900cffe1935e0491d"
    "77ffb4fdf85290fdd893d577b1131a610ef6a5c32b2ee0293617a37cbb08b847741c3b8017c25ca9052ca1079d8b78aebd47876d33"
    "0a30f6a8c6d61dd1ab5589329de714d19d61370f8149748c72f132f0fc99f34d766c6938597040d8f9e2bb522ff99c63a344d6a2ae"
    "8aa8e51b7b90a4a806105fcbca31506c446151adfeceb51b91abfe43960977c87471cf9ad4074d30e10d6a7f03c63bd5d4317f68ff"
    "325ba3bd80bf4dc8b52a0ba031758022eb025cdd770b44d6d6cf0670f4e990b22347a7db848265e3e5eb72dfe8299ad7481a408322"
    "cac55786e52f633b2fb6b614eaed18d703dd84045a274ae8bfa73379661388d6991fe39b0d93debb41700b41f90a15c4d526250235"
    "ddcd6776fc77bc97e7a417ebcb31600d01e57f32162a8560cacc7e27a096d37a1a86952ec71bd89a3e9a30a2a26162984d7740f811"
    "93e8238e61f6b5b984d4d3dfa033c1bb7e4f0037febf406d91c0dccf32acf423cfa1e7071010d3f270121b493ce85054ef58bada42"
    "310138fe081adb04e2bd901f2f13458b3d6758158197107c14ebb193230cd1157380aa79cae1374a7c1e5bbcb80ee23e06ebfde206"
    "bfb0fcbc0edc4ebec309661bdd908d532eb0c6adc38b7ca7331dce8dfce39ab71e7c32d318d136b6100671a1ae6a6600e3899f31f0"
    "eed19e3417d134b90c9058f8632c798d4490da4987307cba922d61c39805d072b589bd52fdf1e86215c2d54e6670e07383a27bbffb"
    "5addf47d66aa85a0c6f9f32e59d85a44dd5d3b22dc2be80919b490437ae4f36a0ae55edf1d0b5cb4e9a3ecabee93dfc6e38d209d0f"
    "a6536d27a5d6fbb17641cde27525d61093f1b28072d111b2b4ae5f89d5974ee12e5cf7d5da4d6a31123041f33e61407e76cffcdcfd"
    "7e19ba58cf4b536f4c4938ae79324dc402894b44faf8afbab35282ab659d13c93f70412e85cb199a37ddec600545473cfb5a05e08d"
    "0b209973b2172b4d21fb69745a262ccde96ba18b2faa745b6fe189cf772a9f84cbfc";

// A.3: the server's Initial
inline constexpr std::string_view kServerInitialHeader = "d16b3343cf0008f067a5502a4262b50040750001";
inline constexpr std::string_view kServerInitialPacket =
    "dc6b3343cf0008f067a5502a4262b5004075d92faaf16f05d8a4398c47089698baeea26b91eb761d9b89237bbf8726301791535823"
    "0035f7fd3945d88965cf17f9af6e16886c61bfc703106fbaf3cb4cfa52382dd16a393e42757507698075b2c984c707f0a0812d8cd5"
    "a6881eaf21ceda98f4bd23f6fe1a3e2c43edd9ce7ca84bed8521e2e140";

// A.4: a Retry; its last 16 bytes are the tag
inline constexpr std::string_view kRetryPacket =
    "cf6b3343cf0008f067a5502a4262b5746f6b656ec8646ce8bfe33952d955543665dcc7b6";

// A.5: a short header packet under ChaCha20-Poly1305; secret, number, header and payload are those of RFC 9001
inline constexpr std::string_view kChaChaKey = "3bfcddd72bcf02541d7fa0dd1f5f9eeea817e09a6963a0e6c7df0f9a1bab90f2";
inline constexpr std::string_view kChaChaIv = "a6b5bc6ab7dafce30ffff5dd";
inline constexpr std::string_view kChaChaHp = "d659760d2ba434a226fd37b35c69e2da8211d10c4f12538787d65645d5d1b8e2";
inline constexpr std::string_view kChaChaNextSecret =
    "c69374c49e3d2a9466fa689e49d476db5d0dfbc87d32ceeaa6343fd0ae4c7d88";
inline constexpr std::string_view kChaChaPacket = "5558b1c60ae7b6b932bc27d786f4bc2bb20f2162ba";

}  // namespace quic::test::rfc9369
