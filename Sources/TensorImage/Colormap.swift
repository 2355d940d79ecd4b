/// How one number becomes a colour.
public enum Colormap: String, Sendable, CaseIterable {
  /// Black to white.
  case grey
  /// Dark violet over green to yellow: evenly bright steps, also for those who see no red or green.
  case viridis

  /// The colours of 0 to 255.
  var table: [Color] {
    switch self {
    case .grey: (0...255).map { Color(grey: UInt8($0)) }
    case .viridis: Self.interpolated(Self.viridisAnchors)
    }
  }

  /// Twenty colours of the map, evenly spaced from its beginning to its end.
  ///
  /// By S. van der Walt and N. Smith for matplotlib, who put it in the public domain (CC0).
  private static let viridisAnchors: [UInt32] = [
    0x440154, 0x481567, 0x482677, 0x453781, 0x404788, 0x39568c, 0x33638d, 0x2d708e, 0x287d8e,
    0x238a8d, 0x1f968b, 0x20a387, 0x29af7f, 0x3cbb75, 0x55c667, 0x73d055, 0x95d840, 0xb8de29,
    0xdce319, 0xfde725,
  ]

  /// 256 colours on the straight lines between anchors.
  private static func interpolated(_ anchors: [UInt32]) -> [Color] {
    (0...255).map { index in
      let place = index * (anchors.count - 1)
      let (low, part) = place.quotientAndRemainder(dividingBy: 255)
      let high = min(low + 1, anchors.count - 1)
      func mixed(_ shift: UInt32) -> UInt8 {
        let (from, to) = (Int(anchors[low] >> shift & 0xff), Int(anchors[high] >> shift & 0xff))
        return UInt8((from * (255 - part) + to * part + 127) / 255)
      }
      return Color(mixed(16), mixed(8), mixed(0))
    }
  }
}
