#include "decode.h"

#include <algorithm>

#include "instruction.h"

namespace cpugate {

namespace {

/** What follows an opcode. */
enum Shape : uint8_t {
  kNone,
  kByte,
  kWord,
  /** As the operand size: two bytes or four. */
  kSized,
  /** As the operand size, eight with REX.W. */
  kFull,
  /** An address: eight bytes, or four. */
  kAddress,
  kEnter,
  kModrm,
  kModrmByte,
  kModrmSized,
  /** With an immediate for its first two operations only. */
  kTestByte,
  kTestSized,
  kShort,
  kNear,
  kBad,
};

/** A run of opcodes, up to and with the last; ascending. */
struct Run {
  uint8_t last;
  Shape shape;
};

/** One-byte opcodes from 40 on; prefixes, escapes and VEX are taken before. */
constexpr Run kOneByte[] = {
    {0x5f, kNone},       {0x62, kBad},        {0x67, kModrm},      {0x68, kSized},
    {0x69, kModrmSized}, {0x6a, kByte},       {0x6b, kModrmByte},  {0x6f, kNone},
    {0x7f, kShort},      {0x80, kModrmByte},  {0x81, kModrmSized}, {0x82, kBad},
    {0x83, kModrmByte},  {0x8f, kModrm},      {0x99, kNone},       {0x9a, kBad},
    {0x9f, kNone},       {0xa3, kAddress},    {0xa7, kNone},       {0xa8, kByte},
    {0xa9, kSized},      {0xaf, kNone},       {0xb7, kByte},       {0xbf, kFull},
    {0xc1, kModrmByte},  {0xc2, kWord},       {0xc3, kNone},       {0xc5, kBad},
    {0xc6, kModrmByte},  {0xc7, kModrmSized}, {0xc8, kEnter},      {0xc9, kNone},
    {0xca, kWord},       {0xcc, kNone},       {0xcd, kByte},       {0xce, kBad},
    {0xcf, kNone},       {0xd3, kModrm},      {0xd6, kBad},        {0xd7, kNone},
    {0xdf, kModrm},      {0xe3, kShort},      {0xe7, kByte},       {0xe9, kNear},
    {0xea, kBad},        {0xeb, kShort},      {0xf5, kNone},       {0xf6, kTestByte},
    {0xf7, kTestSized},  {0xfd, kNone},       {0xff, kModrm},
};

/** Behind 0F; 38 and 3A are taken before. */
constexpr Run kTwoByte[] = {
    {0x03, kModrm}, {0x04, kBad},       {0x09, kNone},      {0x0a, kBad},       {0x0b, kNone},
    {0x0c, kBad},   {0x0d, kModrm},     {0x0e, kNone},      {0x0f, kModrmByte}, {0x23, kModrm},
    {0x27, kBad},   {0x2f, kModrm},     {0x35, kNone},      {0x36, kBad},       {0x37, kNone},
    {0x3f, kBad},   {0x6f, kModrm},     {0x73, kModrmByte}, {0x76, kModrm},     {0x77, kNone},
    {0x79, kModrm}, {0x7b, kBad},       {0x7f, kModrm},     {0x8f, kNear},      {0x9f, kModrm},
    {0xa2, kNone},  {0xa3, kModrm},     {0xa4, kModrmByte}, {0xa5, kModrm},     {0xa7, kBad},
    {0xaa, kNone},  {0xab, kModrm},     {0xac, kModrmByte}, {0xb9, kModrm},     {0xba, kModrmByte},
    {0xc1, kModrm}, {0xc2, kModrmByte}, {0xc3, kModrm},     {0xc6, kModrmByte}, {0xc7, kModrm},
    {0xcf, kNone},  {0xff, kModrm},
};

template <size_t count>
Shape shapeIn(const Run (&runs)[count], uint8_t opcode) {
  return std::ranges::lower_bound(runs, opcode, {}, &Run::last)->shape;
}

Shape shapeOfOneByte(uint8_t opcode) {
  if (opcode >= 0x40) return shapeIn(kOneByte, opcode);
  // The eight operations of arithmetic, all alike; what is behind them was taken out of 64-bit
  // code.
  constexpr Shape kArithmetic[] = {kModrm, kModrm, kModrm, kModrm, kByte, kSized, kBad, kBad};
  return kArithmetic[opcode & 7];
}

/** Of SSE's instructions that VEX, EVEX and 0F have in common. */
bool hasImmediate(uint8_t opcode) { return shapeIn(kTwoByte, opcode) == kModrmByte; }

/** Behind VEX and EVEX, by their map of opcodes. */
Shape shapeOfVector(unsigned map, uint8_t opcode, bool isEvex) {
  switch (map) {
    case 1:
      if (opcode == 0x77 && !isEvex) return kNone;
      return hasImmediate(opcode) ? kModrmByte : kModrm;
    case 2:
      return kModrm;
    case 3:
      return kModrmByte;
    case 5:
    case 6:
      return kModrm;
    default:
      return kBad;
  }
}

class Decoder {
 public:
  Decoder(const uint8_t* bytes, size_t size)
      : bytes_(bytes), size_(std::min(size, kMaxInstructionBytes)) {}

  Instruction run() {
    readPrefixes();
    const Shape shape = readOpcode();
    if (shape == kBad || at_ > size_ || !readOperands(shape) || at_ > size_) return {};
    return {at_, flow_, distance_};
  }

 private:
  /** Zeros behind the end, which is looked at last. */
  uint8_t peek(size_t ahead = 0) const { return at_ + ahead < size_ ? bytes_[at_ + ahead] : 0; }
  uint8_t take() {
    const uint8_t byte = peek();
    ++at_;
    return byte;
  }

  void readPrefixes() {
    for (; at_ < size_; ++at_) {
      const uint8_t byte = peek();
      const bool isRex = (byte & 0xf0) == 0x40;
      switch (byte) {
        case 0x66:
          isNarrow_ = true;
          break;
        case 0x67:
          isShortAddress_ = true;
          break;
        case 0xf2:
        case 0xf3:
          repeat_ = byte;
          break;
        case 0xf0:
        case 0x2e:
        case 0x36:
        case 0x3e:
        case 0x26:
        case 0x64:
        case 0x65:
          break;
        default:
          if (!isRex) return;
      }
      // Only the one before the opcode counts.
      isWide_ = isRex && (byte & 8) != 0;
    }
  }

  Shape readOpcode() {
    const uint8_t opcode = take();
    switch (opcode) {
      case 0x0f:
        return readTwoByteOpcode();
      case 0xc5:
        ++at_;
        return shapeOfVector(1, take(), false);
      case 0xc4: {
        const unsigned map = take() & 0x1f;
        ++at_;
        return shapeOfVector(map, take(), false);
      }
      case 0x62: {
        const unsigned map = take() & 7;
        // Of the last two bytes one bit is always set (Intel SDM vol. 2A, 2.7.1).
        if ((take() & 4) == 0) return kBad;
        ++at_;
        return shapeOfVector(map, take(), true);
      }
      case 0x8f:
        if ((peek() & 0x1f) >= 8) return readXop();
        break;
      default:
        break;
    }
    noteFlow(opcode);
    return shapeOfOneByte(opcode);
  }

  Shape readXop() {
    const unsigned map = take() & 0x1f;
    at_ += 2;
    return map == 8 ? kModrmByte : map == 9 ? kModrm : map == 10 ? kModrmSized : kBad;
  }

  Shape readTwoByteOpcode() {
    const uint8_t opcode = take();
    if (opcode == 0x38 || opcode == 0x3a) {
      ++at_;
      return opcode == 0x38 ? kModrm : kModrmByte;
    }
    if (opcode == 0x0b) flow_ = Flow::kEnd;
    // EXTRQ and INSERTQ have two immediates.
    if (opcode == 0x78 && (isNarrow_ || repeat_ == 0xf2)) {
      extra_ = 2;
      return kModrm;
    }
    isRegister_ = opcode >= 0x20 && opcode <= 0x23;
    return shapeIn(kTwoByte, opcode);
  }

  void noteFlow(uint8_t opcode) {
    switch (opcode) {
      case 0xc2:
      case 0xc3:
      case 0xca:
      case 0xcb:
      case 0xcc:
      case 0xcf:
      case 0xf4:
        flow_ = Flow::kEnd;
        break;
      case 0xe9:
      case 0xeb:
        flow_ = Flow::kJump;
        break;
      case 0xff:
        if (const unsigned operation = peek() >> 3 & 7; operation == 4 || operation == 5)
          flow_ = Flow::kEnd;
        break;
      default:
        break;
    }
  }

  bool readOperands(Shape shape) {
    const size_t sized = isNarrow_ && !isWide_ ? 2 : 4;
    switch (shape) {
      case kByte:
        at_ += 1;
        return true;
      case kWord:
        at_ += 2;
        return true;
      case kSized:
        at_ += sized;
        return true;
      case kFull:
        at_ += isWide_ ? 8 : sized;
        return true;
      case kAddress:
        at_ += isShortAddress_ ? 4 : 8;
        return true;
      case kEnter:
        at_ += 3;
        return true;
      case kModrm:
        return readModrm(extra_, 0);
      case kModrmByte:
        return readModrm(1, 0);
      case kModrmSized:
        return readModrm(sized, 0);
      case kTestByte:
        return readModrm(0, 1);
      case kTestSized:
        return readModrm(0, sized);
      case kShort:
        distance_ = take();
        if (distance_ > INT8_MAX) distance_ -= UINT8_MAX + 1;
        return noteBranch();
      case kNear:
        if (isNarrow_ && !isWide_) return false;
        for (unsigned place = 0; place < 4; ++place) near_ |= uint32_t{take()} << 8 * place;
        distance_ = static_cast<int32_t>(near_);
        return noteBranch();
      default:
        return true;
    }
  }

  bool noteBranch() {
    if (flow_ == Flow::kNext) flow_ = Flow::kBranch;
    return true;
  }

  bool readModrm(size_t immediate, size_t ofFirstTwo) {
    const uint8_t modrm = take();
    const unsigned mode = modrm >> 6, place = modrm & 7;
    if ((modrm >> 3 & 7) < 2) immediate += ofFirstTwo;
    if (mode != 3 && !isRegister_) {
      const uint8_t base = place == 4 ? take() & 7 : uint8_t{0};
      const bool isFar = mode == 0 && (place == 5 || (place == 4 && base == 5));
      at_ += mode == 1 ? 1 : mode == 2 || isFar ? 4 : 0;
    }
    at_ += immediate;
    return true;
  }

  const uint8_t* bytes_;
  size_t size_;
  size_t at_ = 0;
  size_t extra_ = 0;
  uint32_t near_ = 0;
  uint8_t repeat_ = 0;
  bool isNarrow_ = false;
  bool isShortAddress_ = false;
  bool isWide_ = false;
  /** The operand is a register, whatever is said (moves of control registers). */
  bool isRegister_ = false;
  Flow flow_ = Flow::kNext;
  int64_t distance_ = 0;
};

}  // namespace

Instruction decode(const uint8_t* bytes, size_t size) { return Decoder(bytes, size).run(); }

}  // namespace cpugate
