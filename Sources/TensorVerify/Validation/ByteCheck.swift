internal import TensorIO
internal import ZIPContainer

/// Compares every member of an archive with its checksum, on all cores.
enum ByteCheck {
  /// What stays in the second-level cache between reading and summing.
  private static let pieceBytes = 1 << 20

  /// A member, or a piece of one that is stored.
  private struct Piece: Sendable {
    let member: Int
    /// Nil where the member's bytes come in order only.
    let range: Range<Int>?
  }

  /// What is odd and what is wrong with the members of a file; nothing for files that are no archives.
  /// - Throws: when the directory cannot be read.
  static func outcome(
    of file: InputFile, limits: DecodingLimits
  ) throws(TensorIOError) -> (findings: [Finding], errors: [TensorIOError]) {
    guard ZIPArchive.isArchive(try file.bytes(0..<min(4, file.byteCount))) else { return ([], []) }
    file.adviseSequential()
    let archive = try ZIPArchive(file, limits: limits)
    return (try archive.descriptorFindings(), try errors(in: archive.members))
  }

  private static func errors(in members: [ZIPMember]) throws(TensorIOError) -> [TensorIOError] {
    let loaders = members.map { $0.parts }
    let pieces = members.indices.flatMap { index -> [Piece] in
      guard loaders[index] != nil else { return [Piece(member: index, range: nil)] }
      let size = members[index].byteCount
      return stride(from: 0, to: size, by: pieceBytes).map {
        Piece(member: index, range: $0..<min($0 + pieceBytes, size))
      }
    }
    let failures = ResultSlots<TensorIOError?>(count: members.count, initial: nil)
    try unsafe Parallel.forEach(pieces.count, batch: 4, scratchBytes: pieceBytes) {
      (index, scratch) throws(TensorIOError) in
      let piece = pieces[index]
      do throws(TensorIOError) {
        if let range = piece.range, let loader = loaders[piece.member] {
          let buffer = unsafe UnsafeMutableRawBufferPointer(rebasing: scratch[..<range.count])
          unsafe try loader.load(range, into: buffer)
        } else {
          try members[piece.member].stream { _ in }
        }
      } catch {
        failures[piece.member] = error.located(in: members[piece.member].place)
      }
    }
    var errors = failures.all
    for (index, loader) in loaders.enumerated() where errors[index] == nil {
      do throws(TensorIOError) {
        try loader?.finish()
      } catch {
        errors[index] = error.located(in: members[index].place)
      }
    }
    return errors.compactMap { $0 }
  }
}
